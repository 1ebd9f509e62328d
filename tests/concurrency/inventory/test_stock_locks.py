"""Transactions that change several stock rows wait for each other, never in a circle."""

import asyncio
from uuid import uuid4

import pytest

from shared.database import Database
from svc.inventory import handlers, store
from svc.inventory.domain import HoldOutcome, HoldRequest, Line
from tests.support.services import database_of

pytestmark = pytest.mark.service("inventory")


def wish(*skus):
    lines = tuple(Line(sku, 1) for sku in skus)
    return HoldRequest(reservation_id=uuid4(), customer_id=uuid4(), lines=lines, ttl_s=600.0)


async def test_events_that_share_a_transaction_never_deadlock_with_a_batch_of_buyers(engines):
    async with database_of(engines, "inventory") as url:
        database = Database(url, "test")
        await database.open()
        try:
            later, earlier = wish("B"), wish("A")
            async with database.begin() as uow:
                await store.learn_skus(uow.connection, "AB")
                for sku in "AB":
                    await handlers.receive_stock(uow, sku=sku, quantity=10, warehouse="main", reference=f"r-{sku}")
            async with database.begin() as uow:
                await handlers.reserve(uow, [later, earlier])

            async with database.begin() as events:
                await handlers.end_hold(events, later.reservation_id, HoldOutcome.COMMITTED, reason="paid")

                async def buyers():
                    async with database.begin() as uow:
                        return await handlers.reserve(uow, [wish("A", "B")])

                buying = asyncio.create_task(buyers())
                await asyncio.wait([buying], timeout=0.5)  # it has its locks, or waits for ours
                await handlers.end_hold(events, earlier.reservation_id, HoldOutcome.COMMITTED, reason="paid")
            assert [hold.status for hold in await buying] == ["held"]
            async with database.acquire() as connection:
                rows = await connection.fetch("SELECT sku, on_hand, reserved FROM stock ORDER BY sku")
            assert [tuple(row) for row in rows] == [("A", 9, 1), ("B", 9, 1)]
        finally:
            await database.close()
