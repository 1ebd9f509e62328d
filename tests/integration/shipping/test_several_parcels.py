from uuid import UUID

import msgspec
import pytest

from shared.contracts import OrderLine, StockLine
from shared.contracts.inventory import InventoryReserved
from shared.ids import derived_id, new_id
from svc.shipping.domain.parcels import HandedOver, StillHere
from svc.shipping.handlers.orders import send_parcel, withhold
from svc.shipping.handlers.outcomes import apply_outcome
from svc.shipping.settings import Settings
from tests.support.sending import CUSTOMER, a_paid_order, depot
from tests.support.services import WEBHOOK_SECRET, envelope, opened_database, publish, until

pytestmark = pytest.mark.service("shipping")


def of_skus(**quantities):
    lines = [
        OrderLine(sku=sku, product_id=new_id(), title=sku, quantity=n, unit_price_minor=100, line_total_minor=100 * n)
        for sku, n in quantities.items()
    ]
    return a_paid_order(lines=lines)


async def reserve(house, order, *lines):
    """Inventory told where the goods of the order lie."""
    event = InventoryReserved(
        reservation_id=order.order_id, order_id=order.order_id, customer_id=CUSTOMER, expires_at="2030-01-01T00:00:00Z",
        lines=[StockLine(sku=sku, quantity=quantity, warehouse=warehouse) for sku, quantity, warehouse in lines],
    )  # fmt: skip
    event = msgspec.convert(msgspec.to_builtins(event), InventoryReserved)
    await publish(house.engines, house.prefix, envelope(event, order.order_id))

    async def known():
        return await house.connection.fetchval("SELECT true FROM placements WHERE order_id = $1", order.order_id)

    await until(known)


async def parcels_of(house, order):
    return await house.connection.fetch("SELECT * FROM shipments WHERE order_id = $1 ORDER BY number", order.order_id)


async def all_reach(house, order, status, count):
    async def reached():
        rows = await parcels_of(house, order)
        return rows if len(rows) == count and {row["status"] for row in rows} == {status} else None

    return await until(reached)


def contents(row):
    return {line["sku"]: line["quantity"] for line in msgspec.json.decode(row["lines"])}


async def test_each_warehouse_sends_what_lies_there_and_all_parcels_arrive(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave()
        order = of_skus(A=3, B=1)
        await reserve(house, order, ("A", 2, "north"), ("A", 1, "south"), ("B", 1, "south"))
        await house.pay(order)
        rows = await all_reach(house, order, "delivered", 2)
        assert [(row["warehouse"], contents(row)) for row in rows] == [("north", {"A": 2}), ("south", {"A": 1, "B": 1})]
        assert len({row["tracking_number"] for row in rows}) == 2
        assert all(row["promised_for"] for row in rows)
        _, page = await house.service.call("GET", f"/api/v1/shipments?order_id={order.order_id}")
        assert sorted(item["warehouse"] for item in page["items"]) == ["north", "south"]
        told = await house.connection.fetch("SELECT type, count(*) AS n FROM audit.outbox GROUP BY type ORDER BY type")
        assert {row["type"]: row["n"] for row in told} == {
            "shipment.created": 2, "shipment.delivered": 2, "shipment.dispatched": 2,
        }  # fmt: skip


async def test_word_of_other_goods_than_were_paid_splits_nothing(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order = of_skus(A=3)
        await reserve(house, order, ("A", 2, "north"))
        await house.pay(order)
        (row,) = await all_reach(house, order, "labelled", 1)
        assert (row["warehouse"], contents(row)) == ("", {"A": 3})


async def test_goods_that_fill_two_boxes_travel_in_two_and_a_redrive_adds_none(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order, last = of_skus(A=100), a_paid_order()
        await house.pay(order)
        rows = await all_reach(house, order, "labelled", 2)
        assert [(contents(row)["A"], row["weight_g"], row["box"]) for row in rows] == [
            (63, 31_500, "large"),
            (37, 18_500, "long"),
        ]
        await house.connection.execute("INSERT INTO item_measures VALUES ('A', 30000, 100, 100, 100)")
        await publish(engines, prefix, envelope(order, order.order_id, 2))  # under another id
        await house.pay(last)
        await house.reaches(last, "labelled")
        assert len(await parcels_of(house, order)) == 2


async def _two_labelled(database, order, *, calls):
    """An order of two labelled parcels whose calls stand like this."""
    async with database.begin() as uow:
        await send_parcel(uow, envelope(order, order.order_id, 2), carrier="parcelpost")
        for number, call in enumerate(calls, start=1):
            await uow.connection.execute(
                "UPDATE shipments SET status = 'labelled', tracking_number = $2, call = $3, unknown_since = "
                "clock_timestamp() - interval '1 hour' WHERE order_id = $1 AND number = $4",
                order.order_id, f"T{number}-{order.order_id}", call, number,
            )  # fmt: skip


def _config():
    return Settings(env="test", internal_secret="x" * 32, webhook_secrets=(WEBHOOK_SECRET,))


async def _statuses(database, order):
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT status, cancel_requested FROM shipments WHERE order_id = $1 ORDER BY number", order.order_id
        )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("gone", [False, True])
async def test_the_parcels_of_an_order_stay_or_leave_together(engines, gone):
    async with opened_database(engines, "shipping") as database:
        order = of_skus(A=100)
        await _two_labelled(database, order, calls=("unknown", "unknown"))
        first, second = (derived_id("shipment", order.order_id, number) for number in (1, 2))
        async with database.begin() as uow:
            assert await withhold(uow, order.order_id) == "undecided"
        async with database.begin() as uow:  # it turns out that this one is here; of the other nobody knows yet
            await apply_outcome(uow, first, StillHere(), config=_config())
        async with database.begin() as uow:
            assert await withhold(uow, order.order_id) == "undecided"
        assert await _statuses(database, order) == [("labelled", True), ("labelled", True)]
        async with database.begin() as uow:
            await apply_outcome(uow, second, HandedOver() if gone else StillHere(), config=_config())
        async with database.begin() as uow:
            assert await withhold(uow, order.order_id) == ("too_late" if gone else "withheld")
        assert [status for status, _ in await _statuses(database, order)] == (
            ["labelled", "handed_over"] if gone else ["cancelled", "cancelled"]
        )
        if gone:
            assert (await _statuses(database, order))[0] == ("labelled", False)  # it follows


async def test_a_quote_that_served_the_order_names_its_carrier(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        rate = {"zone": "home", "method": "standard", "currency": "EUR", "amount_minor": 1, "days_max": 4}
        await house.service.call(
            "POST", "/api/v1/shipping/rate-table", json={**rate, "carrier": "swiftway", "weight_g_max": 9_000}
        )
        wish = {"customer_id": str(CUSTOMER), "country": "DE", "postal_code": "10115"}
        order = of_skus(A=1)
        _, quote = await house.service.call(
            "POST", "/internal/quotes", json={**wish, "lines": [{"sku": "A", "quantity": 1}]}
        )
        await house.pay(msgspec.structs.replace(order, shipping_quote_id=UUID(quote["id"])))
        assert (await house.reaches(order, "labelled"))["carrier"] == "swiftway"
