"""The migration of a store with events in it: each is there afterwards, and counted in the figures that are new."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from shared import migrate
from shared.contracts import encode
from shared.database import Database
from svc.analytics.store import events, generations
from tests.support.builders.shop_events import NOON, Order
from tests.support.reporting import record, settle, shown
from tests.support.services import database_of, opened_database

pytestmark = pytest.mark.service("analytics")

OF_BEFORE = """
    INSERT INTO events (id, type, version, aggregate_id, aggregate_version, occurred_at, received_at, data, projected,
                        refused)
    SELECT (told ->> 'id')::uuid, told ->> 'type', 1, told ->> 'aggregate_id', (told ->> 'aggregate_version')::bigint,
           (told ->> 'occurred_at')::timestamptz, clock_timestamp(), told -> 'data', $2, $3
    FROM jsonb_array_elements($1::text::jsonb) AS told
"""


def _told(*told):
    return "[" + ",".join(encode(event).decode() for event in told) + "]"


async def test_events_of_a_store_without_days_are_carried_over_and_counted_anew(engines):
    orders = [Order(at=NOON + timedelta(days=number)) for number in range(3)]
    counted, waiting, refused = (order.fulfilled() for order in orders)
    async with database_of(engines, "analytics", revision="0001") as url:
        connection = await asyncpg.connect(url)
        await connection.execute(OF_BEFORE, _told(*counted), True, None)
        await connection.execute(OF_BEFORE, _told(*waiting), False, None)
        await connection.execute(OF_BEFORE, _told(refused[1]), True, "could not be read")
        await connection.close()
        await asyncio.to_thread(migrate.upgrade, "svc.analytics", url)
        database = Database(url, "test")
        await database.open()
        try:
            async with database.acquire() as connection:
                before = await generations.read(connection)
                assert (before.current, before.building) == (1, 2)
                assert await events.refused_count(connection) == 1
            await settle(database)
            await record(database, refused[0])  # and positions go on after the highest
            await settle(database)
            carried = await shown(database)
        finally:
            await database.close()
    async with opened_database(engines, "analytics") as database:
        await record(database, *counted, *waiting, refused[0])
        await settle(database)
        assert carried == await shown(database)
