"""What events cost: transactions per batch and statements per transaction, not per event."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from shared.clock import SystemClock
from shared.contracts.auth import UserDeleted
from shared.contracts.orders import OrderCreated
from shared.kafka_consumer import TRANSACTION_RECORDS_MAX
from svc.analytics import handlers as analytics
from tests.support.rows import order_fact
from tests.support.services import envelope, opened_database, publish, served, topics, until
from tests.support.statements import API_ONLY
from tests.support.stocking import know


def _erasures(count):
    return [envelope(UserDeleted(user_id=user_id), user_id) for user_id in (uuid4() for _ in range(count))]


@pytest.mark.service("analytics")
@pytest.mark.parametrize(
    ("events", "transactions"),
    [(TRANSACTION_RECORDS_MAX, 1), (2 * TRANSACTION_RECORDS_MAX, 2), (TRANSACTION_RECORDS_MAX + 1, 2)],
)
async def test_waiting_events_are_applied_fifty_to_a_transaction(engines, prefix, events, transactions):
    async with topics(engines, prefix):
        await publish(engines, prefix, *_erasures(events))
        async with served(engines, "analytics", prefix=prefix) as service:
            connection = await asyncpg.connect(service.settings.database_url)
            try:

                async def applied():
                    return await connection.fetchval("SELECT count(*) FROM inbox") == events

                await until(applied)
                # xmin names the transaction that wrote a row
                assert await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox") == transactions
            finally:
                await connection.close()


@pytest.mark.service("analytics")
async def test_publishing_many_events_in_a_transaction_is_one_statement(engines, statements):
    async with opened_database(engines, "analytics") as database:
        costs = {}
        for count in (1, 10, 500):
            with statements.counted() as seen:
                async with database.begin() as uow:
                    for told in _erasures(count):
                        uow.publish(told.data, aggregate_id=told.data.user_id, aggregate_version=1)
            costs[count] = len(seen)
        assert costs == {1: 3, 10: 3, 500: 3}  # begin, insert, commit
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM outbox") == 511


@pytest.mark.service("analytics")
async def test_folding_many_events_costs_as_many_statements_as_folding_one(engines, statements):
    recorder = analytics.Recorder(lambda: None, SystemClock())
    async with opened_database(engines, "analytics") as database:
        costs = {}
        for count in (1, 10, 200):
            async with database.begin() as uow:
                for _ in range(count):
                    order = order_fact(OrderCreated, uuid4())
                    await recorder.record(uow, envelope(order, order.order_id))
            with statements.counted() as seen:
                async with database.begin() as uow:
                    assert await analytics.project(uow) == count
            costs[count] = len(seen)
        assert len(set(costs.values())) == 1, costs


@pytest.mark.service("inventory")
async def test_the_relay_moves_a_burst_in_few_statements(engines, prefix, statements):
    """Receipts leave one event each; the relay claims and marks them by the batch, not one by one."""
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        items = [{"sku": f"S{n}", "quantity": 1, "reference": f"r{n}"} for n in range(200)]
        await know(inventory, *(item["sku"] for item in items))
        with statements.counted() as seen:
            assert (await inventory.call("POST", "/internal/stock/import", json={"items": items}))[0] == 200
            connection = await asyncpg.connect(inventory.settings.database_url)
            try:

                async def sent():
                    return await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == 200

                await until(sent)
            finally:
                await connection.close()
        assert 1 <= len([one for one in seen if one.startswith("UPDATE outbox SET sent_at")]) <= 3


@pytest.mark.service("catalog")
async def test_a_crowd_at_a_cold_page_loads_it_once_over_http(engines, prefix, statements):
    async with served(engines, "catalog", prefix=prefix, **API_ONLY) as catalog:
        product = {
            "slug": "hot", "title": "Hot", "category": "things",
            "variants": [{"sku": "H", "price_minor": 100}],
        }  # fmt: skip
        assert (await catalog.call("POST", "/internal/products/import", json={"items": [product]}))[0] == 200
        with statements.counted() as seen:
            answers = await asyncio.gather(*(catalog.call("GET", "/api/v1/products/hot") for _ in range(50)))
        assert {status for status, _ in answers} == {200}
        assert len(seen) == 1, seen
