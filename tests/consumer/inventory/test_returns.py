from uuid import uuid4

import pytest

from shared.contracts import StockLine
from shared.contracts.shipping import ReturnReceived
from svc.inventory import handlers, store
from svc.inventory.domain import HoldOutcome, HoldRequest, Line, ReservationEnded, UnknownReservation
from svc.inventory.handlers.warehousing import take_back
from tests.support.services import envelope, opened_database

pytestmark = pytest.mark.service("inventory")


def returned(order_id, *, parcel=None, **quantities):
    fact = ReturnReceived(
        shipment_id=parcel or uuid4(), order_id=order_id, customer_id=uuid4(), email="a@b.example", order_number="SO-1",
        carrier="parcelpost", tracking_number="T",
        lines=[StockLine(sku=sku, quantity=quantity, warehouse="") for sku, quantity in quantities.items()],
    )  # fmt: skip
    return envelope(fact, fact.shipment_id, 4)


async def sold(database, *, status=HoldOutcome.COMMITTED, **quantities):
    """An order of goods from two warehouses that hold two of each."""
    wish = HoldRequest(
        reservation_id=uuid4(),
        customer_id=uuid4(),
        lines=tuple(Line(*one) for one in sorted(quantities.items())),
        ttl_s=60,
    )
    async with database.begin() as uow:
        await store.learn_skus(uow.connection, list(quantities))
        for warehouse in ("main", "north"):
            for sku in quantities:
                await handlers.receive_stock(uow, sku=sku, quantity=2, warehouse=warehouse, reference=str(uuid4()))
    async with database.begin() as uow:
        await handlers.reserve(uow, [wish])
    if status is not None:
        async with database.begin() as uow:
            await handlers.end_hold(uow, wish.reservation_id, status, reason="test")
    return wish.reservation_id


async def take(database, event):
    async with database.begin() as uow:
        await take_back(uow, event)


async def on_hand(database):
    """(warehouse, SKU) → units; and the movements sum to it."""
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT warehouse, sku, on_hand FROM stock ORDER BY 1, 2")
        sums = await connection.fetch(
            "SELECT warehouse, sku, sum(on_hand_delta)::integer FROM movements GROUP BY 1, 2 ORDER BY 1, 2"
        )
    assert [tuple(row) for row in rows] == [tuple(row) for row in sums]
    return {(row["warehouse"], row["sku"]): row["on_hand"] for row in rows}


async def test_returned_goods_are_on_the_shelf_again_once_and_no_more_than_were_sold(engines):
    async with opened_database(engines, "inventory") as database:
        order_id = await sold(database, A=3)
        assert await on_hand(database) == {("main", "A"): 0, ("north", "A"): 1}
        parcel = uuid4()
        for _ in range(2):  # a redrive under another id
            await take(database, returned(order_id, parcel=parcel, A=1))
        assert await on_hand(database) == {("main", "A"): 1, ("north", "A"): 1}
        await take(database, returned(order_id, A=5, B=1))
        assert await on_hand(database) == {("main", "A"): 2, ("north", "A"): 2}
        await take(database, returned(order_id, A=1))
        assert await on_hand(database) == {("main", "A"): 2, ("north", "A"): 2}
        async with database.acquire() as connection:
            told = await connection.fetch(
                "SELECT type, aggregate_version FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
                str(order_id),
            )
        assert [tuple(row) for row in told] == [
            ("inventory.reserved", 1), ("inventory.committed", 2), ("inventory.released", 3), ("inventory.released", 4),
        ]  # fmt: skip


async def test_an_order_undone_after_a_return_gives_back_only_the_rest(engines):
    async with opened_database(engines, "inventory") as database:
        order_id = await sold(database, A=3)
        await take(database, returned(order_id, A=2))
        async with database.begin() as uow:
            assert await store.restock(uow, order_id) is not None
        assert await on_hand(database) == {("main", "A"): 2, ("north", "A"): 2}
        await take(database, returned(order_id, A=1))  # of an order that is undone everything is back
        assert await on_hand(database) == {("main", "A"): 2, ("north", "A"): 2}
        async with database.begin() as uow:
            repaired = await handlers.reconcile(uow, sku="A", release=[order_id], reason="again")
        assert (repaired.movements_completed, repaired.rows_recounted) == (0, 0)


@pytest.mark.parametrize(("status", "refusal"), [(None, ReservationEnded), (HoldOutcome.RELEASED, ReservationEnded)])
async def test_goods_that_were_never_sold_are_a_matter_for_people(engines, status, refusal):
    async with opened_database(engines, "inventory") as database:
        order_id = await sold(database, status=status, A=1)
        before = await on_hand(database)
        with pytest.raises(refusal):
            await take(database, returned(order_id, A=1))
        with pytest.raises(UnknownReservation):
            await take(database, returned(uuid4(), A=1))
        assert await on_hand(database) == before
