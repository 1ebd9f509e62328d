"""Batches of different topics that are about the same orders."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.contracts import EnvelopeHeader
from shared.contracts.payments import PaymentProcessed
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.orders.batches import OrderBatches, _order_of
from svc.orders.store import orders as store
from tests.support.builders.orders import customer, place
from tests.support.fakes.shop import shop
from tests.support.services import served, until

pytestmark = pytest.mark.service("orders")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1"


def about(order_ids: list[UUID]) -> list[EnvelopeHeader]:
    return [
        EnvelopeHeader(
            id=new_id(),
            type=PaymentProcessed.type,
            version=1,
            aggregate_id=str(new_id()),
            aggregate_version=1,
            occurred_at=datetime.now(UTC),
            data=msgspec.Raw(msgspec.json.encode({"order_id": order_id})),
        )
        for order_id in order_ids
    ]


async def moved(connection: Any, order_ids: list[UUID]) -> None:
    """One batch: everything of it locked at its beginning, then each order as its handler does it."""
    runner: Any = OrderBatches.__new__(OrderBatches)
    async with connection.transaction():
        await runner._prepare(UnitOfWork(connection), about(order_ids))
        for order_id in order_ids:
            await store.lock(connection, order_id)


async def test_two_batches_with_the_same_orders_the_other_way_round_wait_instead_of_blocking_each_other(
    engines, prefix
):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        placed = [(await place(orders, customer(), ("A", 1)))[1]["id"] for _ in range(2)]
        there = [UUID(order_id) for order_id in placed]
        back = there[::-1]
        one, other = [await asyncpg.connect(orders.settings.database_url) for _ in range(2)]
        try:
            async with one.transaction():
                await OrderBatches._prepare(OrderBatches.__new__(OrderBatches), UnitOfWork(one), about(there))
                waiting = asyncio.create_task(moved(other, back))

                async def waits() -> bool:
                    return await one.fetchval(WAITING, other.get_server_pid()) > 0

                assert await until(waits)
                for order_id in back:
                    await store.lock(one, order_id)
            await waiting
        finally:
            await asyncio.gather(one.close(), other.close())


def test_an_event_about_no_order_locks_nothing_and_one_that_cannot_be_read_is_its_handlers_matter() -> None:
    (header,) = about([new_id()])
    for data in (b"{}", b'{"order_id":7}', b"[]"):
        assert _order_of(msgspec.structs.replace(header, data=msgspec.Raw(data))) is None
