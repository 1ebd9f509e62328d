"""What stock costs: statements and transactions per batch of buyers, not per buyer."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from svc.inventory import handlers, store
from svc.inventory.batcher import ReservationBatcher
from svc.inventory.domain import Hold, HoldRequest, InsufficientStock, Line
from tests.support.services import opened_database, served
from tests.support.statements import API_ONLY
from tests.support.stocking import receive

pytestmark = pytest.mark.service("inventory")


def _wish(*skus, quantity=1):
    return HoldRequest(
        reservation_id=uuid4(), customer_id=uuid4(), lines=tuple(Line(sku, quantity) for sku in skus), ttl_s=60.0
    )


@asynccontextmanager
async def _stocked(engines, **stock):
    async with opened_database(engines, "inventory") as database:
        async with database.begin() as uow:
            await store.learn_skus(uow.connection, list(stock))
            for sku, quantity in stock.items():
                await handlers.receive_stock(uow, sku=sku, quantity=quantity, warehouse="main", reference=sku)
        yield database


async def test_a_batch_of_reservations_costs_as_many_statements_for_many_buyers_as_for_one(engines, statements):
    async with _stocked(engines, HOT=1_000) as database:
        costs = {}
        for buyers in (1, 10, 200):
            with statements.counted() as seen:
                async with database.begin() as uow:
                    outcomes = await handlers.reserve(uow, [_wish("HOT") for _ in range(buyers)])
            assert all(isinstance(outcome, Hold) for outcome in outcomes)
            costs[buyers] = len(seen)
        assert len(set(costs.values())) == 1, costs
        assert costs[1] <= 8


async def test_a_reservation_costs_as_many_statements_for_many_lines_as_for_one(engines, statements):
    skus = [f"S{n}" for n in range(20)]
    async with _stocked(engines, **dict.fromkeys(skus, 50)) as database:
        costs = {}
        for lines in (1, 5, 20):
            with statements.counted() as seen:
                async with database.begin() as uow:
                    (outcome,) = await handlers.reserve(uow, [_wish(*skus[:lines])])
            assert isinstance(outcome, Hold)
            costs[lines] = len(seen)
        assert len(set(costs.values())) == 1, costs


async def test_a_crowd_at_one_sku_shares_a_few_transactions(engines, statements):
    async with _stocked(engines, HOT=1_000) as database:
        batcher = ReservationBatcher(database, handlers.reserve)
        with statements.counted():
            await asyncio.gather(*(batcher.hold(_wish("HOT")) for _ in range(200)))
        assert 1 <= statements.transactions() <= 3
        await batcher.close()


async def test_a_sold_out_buyer_costs_one_transaction_that_writes_nothing(engines, prefix, statements):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        await receive(inventory, "GONE", 1)
        bodies = [
            {
                "reservation_id": str(uuid4()), "customer_id": str(uuid4()),
                "lines": [{"sku": "GONE", "quantity": 1}],
            }
            for _ in range(2)
        ]  # fmt: skip
        assert (await inventory.call("POST", "/internal/reservations", json=bodies[0]))[0] == 201
        with statements.counted():
            status, refused = await inventory.call("POST", "/internal/reservations", json=bodies[1])
        assert (status, refused["code"]) == (409, "insufficient_stock")
        assert statements.transactions() == 1
        assert statements.writes() == []


async def test_a_crowd_of_sold_out_buyers_shares_a_few_transactions_too(engines, statements):
    async with _stocked(engines, GONE=1) as database:
        batcher = ReservationBatcher(database, handlers.reserve)
        await batcher.hold(_wish("GONE"))
        with statements.counted():
            outcomes = await asyncio.gather(*(batcher.hold(_wish("GONE")) for _ in range(200)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {InsufficientStock}
        assert statements.transactions() <= 3
        await batcher.close()
