"""An event that surprises the projector is left out by itself: no other waits for it."""

from uuid import uuid4

import pytest

from shared.contracts.orders import OrderCreated
from svc.analytics import handlers
from svc.analytics.store import events, generations, reports
from tests.support.reporting import append, settle
from tests.support.rows import order_fact
from tests.support.services import envelope, opened_database

pytestmark = pytest.mark.service("analytics")

UNREADABLE = "data - 'order_id'"
TOO_MUCH = "data || jsonb_build_object('total_minor', 10 ^ 30)"
"""Of the right form, and more than the figures' columns hold: found by the database, not by the decoder."""


async def record(database, count, damage=None):
    """So many placed orders; what is damaged is the one in the middle."""
    orders = [order_fact(OrderCreated, uuid4()) for _ in range(count)]
    async with database.begin() as uow:
        await append(uow.connection, *(envelope(order, order.order_id) for order in orders))
        if damage:
            middle = str(orders[count // 2].order_id)
            await uow.connection.execute("ALTER TABLE events DISABLE TRIGGER events_are_final")
            damaging = f"UPDATE events SET data = {damage} WHERE aggregate_id = $1"  # noqa: S608 a constant of ours
            await uow.connection.execute(damaging, middle)
            await uow.connection.execute("ALTER TABLE events ENABLE TRIGGER events_are_final")


async def mend(database):
    """What was damaged is like the others again."""
    async with database.acquire() as connection:
        await connection.execute("ALTER TABLE events DISABLE TRIGGER events_are_final")
        await connection.execute(
            "UPDATE events SET data = data || jsonb_build_object('order_id', aggregate_id, 'total_minor', 100)"
        )
        await connection.execute("ALTER TABLE events ENABLE TRIGGER events_are_final")


async def figures(database):
    """Orders shown, events waiting, events refused."""
    async with database.acquire() as connection:
        shown = await connection.fetchval("SELECT count(*) FROM order_statuses")
        freshness = await reports.freshness(connection)
        return shown, freshness.behind, await events.refused_count(connection)


@pytest.mark.parametrize("damage", [UNREADABLE, TOO_MUCH])
async def test_the_others_of_its_batch_and_all_that_follow_are_counted(engines, damage):
    async with opened_database(engines, "analytics") as database:
        await record(database, 20, damage)
        await settle(database)
        assert await figures(database) == (19, 0, 1)
        await record(database, 5)
        await settle(database)
        assert await figures(database) == (24, 0, 1)
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM unprojected WHERE refused <> ''") == 1


@pytest.mark.parametrize("damage", [UNREADABLE, TOO_MUCH])
async def test_a_rebuild_counts_it_once_it_can_be_read_and_ends_without_it_until_then(engines, damage):
    async with opened_database(engines, "analytics") as database:
        await record(database, 20, damage)
        await settle(database)
        for expected in ((19, 0, 1), (20, 0, 0), (20, 0, 0)):
            async with database.begin() as uow:
                await handlers.request_rebuild(uow)
            await settle(database)
            async with database.acquire() as connection:
                assert (await generations.read(connection)).building is None
            assert await figures(database) == expected
            await mend(database)


async def test_what_could_be_read_and_no_longer_can_does_not_hold_up_a_rebuild(engines):
    async with opened_database(engines, "analytics") as database:
        await record(database, 20)
        await settle(database)
        await record(database, 3, UNREADABLE)
        async with database.acquire() as connection:
            await connection.execute("DELETE FROM unprojected WHERE refused IS NULL")
        async with database.begin() as uow:
            await handlers.request_rebuild(uow)
        await settle(database)
        assert await figures(database) == (22, 0, 1)
