"""Two instances that record, project, rebuild and prune at once: every event is counted once."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.database import Database
from shared.errors import DatabaseBusyError
from svc.analytics import handlers
from svc.analytics.store import generations
from tests.support.builders.shop_events import NOON, Order
from tests.support.reporting import record, settle, shown
from tests.support.services import opened_database

pytestmark = pytest.mark.service("analytics")

ORDERS = 40


async def test_whoever_projects_rebuilds_and_prunes_beside_others_counts_each_event_once(engines, monkeypatch):
    monkeypatch.setattr("svc.analytics.handlers.projecting.BUILD_ROWS_MAX", 20)
    orders = [Order(at=NOON + timedelta(days=number % 4)) for number in range(ORDERS)]
    lives = [[*order.fulfilled(), order.refunded(100)] for order in orders]
    async with opened_database(engines, "analytics") as database:
        other = Database(database.url, "other")
        await other.open()
        recorded = asyncio.Event()

        async def write(instance, some):
            for life in some:
                await record(instance, *life)

        async def project(instance):
            while not recorded.is_set():
                async with instance.begin() as uow:
                    await handlers.project(uow)
                async with instance.begin() as uow:
                    await handlers.request_rebuild(uow)

        async def prune(instance):
            while not recorded.is_set():
                with suppress(DatabaseBusyError):  # it does not wait for those who write
                    async with instance.begin() as uow:
                        await handlers.prune(uow, before=NOON.date() + timedelta(days=2))

        async def write_all():
            await asyncio.gather(write(database, lives[::2]), write(other, lives[1::2]))
            recorded.set()

        try:
            await asyncio.gather(write_all(), project(database), project(other), prune(other))
            await settle(database)
            figures = await shown(database)
            async with database.acquire() as connection:
                assert (await generations.read(connection)).current > 2
        finally:
            await other.close()
    async with opened_database(engines, "analytics") as database:
        await record(database, *(event for life in lives for event in life))
        await settle(database)
        assert figures == await shown(database)
