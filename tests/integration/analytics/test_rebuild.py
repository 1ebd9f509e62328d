"""The projections rebuilt beside those in use: readers see whole figures at every moment and never wait."""

from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.unit_of_work import UnitOfWork
from svc.analytics import handlers
from svc.analytics.handlers.projecting import BUILD_ROWS_MAX, SWEEP_ROWS_MAX
from svc.analytics.store import generations
from tests.support.builders.shop_events import Order
from tests.support.reporting import SHOWN, append, record, settle
from tests.support.services import opened_database, served, topics, until

pytestmark = pytest.mark.service("analytics")

ORDERS = 2 * SWEEP_ROWS_MAX // 3 + 1
"""With three events of each, twice as many events as one step of a rebuild reads."""


def _life():
    order = Order()
    return [order.created(), order.captured(), order.refunded(3_000)]


async def _record_orders(database, count):
    """The events of so many orders, all but the first copied from it in one statement."""
    first = _life()
    await record(database, *first)
    async with database.begin() as uow:
        await uow.connection.execute(
            "WITH copies AS MATERIALIZED (SELECT gen_random_uuid() AS order_id FROM generate_series(2, $1)), "
            "kept AS (INSERT INTO events (id, type, version, aggregate_id, aggregate_version, occurred_at, data) "
            "SELECT gen_random_uuid(), type, version, aggregate_id, aggregate_version, occurred_at, "
            "data || jsonb_build_object('order_id', order_id) FROM copies CROSS JOIN events WHERE id = ANY($2) "
            "RETURNING position, occurred_at) INSERT INTO unprojected (position, occurred_at) SELECT * FROM kept",
            count,
            [event.id for event in first],
        )


async def _step(database):
    async with database.begin() as uow:
        return await handlers.project(uow)


async def _generations(database):
    async with database.acquire() as connection:
        return await generations.read(connection)


async def _request(database):
    async with database.begin() as uow:
        return await handlers.request_rebuild(uow)


async def _shown(connection):
    """Every figure shown, as one snapshot of bytes."""
    return await connection.fetchval(SHOWN)


@asynccontextmanager
async def _filled(engines, *, orders=ORDERS):
    """A database whose events are projected, step by step as they came, and a reader of its figures."""
    async with opened_database(engines, "analytics") as database:
        await _record_orders(database, orders)
        await settle(database)
        reader = await asyncpg.connect(database.url, server_settings={"lock_timeout": "2s"})
        try:
            yield database, reader
        finally:
            await reader.close()


async def test_readers_see_whole_figures_inside_and_after_every_step_and_no_step_locks_a_table(engines):
    async with _filled(engines) as (database, reader):
        before = await _shown(reader)
        await _request(database)
        steps = 0
        while True:
            async with database.begin() as uow:
                done = await handlers.project(uow)
                strong = await reader.fetch(
                    "SELECT relation::regclass, mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation' "
                    "AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')",
                    uow.connection.get_server_pid(),
                )
                assert strong == []
                assert await _shown(reader) == before
            assert await _shown(reader) == before
            if not done:
                break
            steps += 1
        assert (await _generations(database)).current == 2
        assert steps > 2
        assert await reader.fetchval("SELECT count(*) FROM order_facts") == ORDERS
        assert (await _generations(database)).oldest == 2


async def test_a_step_reads_and_deletes_no_more_than_its_bound(engines):
    async with _filled(engines, orders=SWEEP_ROWS_MAX + 1) as (database, reader):
        await _request(database)
        await _step(database)
        assert (await _generations(database)).built_to == BUILD_ROWS_MAX
        while (await _generations(database)).building:
            await _step(database)
        kept = [await reader.fetchval("SELECT count(*) FROM order_facts")]
        while await _step(database):
            kept.append(await reader.fetchval("SELECT count(*) FROM order_facts"))
        assert kept[0] - kept[1] == SWEEP_ROWS_MAX
        assert kept[-1] == SWEEP_ROWS_MAX + 1


async def test_a_rebuild_killed_half_way_goes_on_where_its_last_step_ended(engines):
    async with _filled(engines) as (database, reader):
        before = await _shown(reader)
        await _request(database)
        await _step(database)
        half_way = await _generations(database)
        killed = await database.connect()
        dying = killed.transaction()
        await dying.start()
        await handlers.project(UnitOfWork(killed))
        killed.terminate()  # its process is gone, the step is not committed

        async def released():
            return not await reader.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                "WHERE locktype = 'advisory' AND datname = current_database()"
            )

        await until(released)
        assert await _generations(database) == half_way
        await settle(database)
        assert (await _generations(database)).current == 2
        assert await _shown(reader) == before


async def test_an_event_that_commits_behind_the_rebuild_is_counted_once_before_and_after_it(engines):
    async with _filled(engines, orders=10) as (database, reader):
        slow = await database.connect()
        held = slow.transaction()
        await held.start()
        late = _life()
        await append(slow, *late)  # its positions are taken, nobody sees them yet
        await _record_orders(database, ORDERS)
        await settle(database)
        await _request(database)
        await _step(database)
        await held.commit()
        assert (await _generations(database)).built_to > 33
        assert await _step(database) >= len(late)
        assert (await _generations(database)).building == 2
        during = await _shown(reader)
        assert during.count(f"({late[0].data.order_id},placed,3000,EUR,3000,3000,") == 1
        await settle(database)
        assert (await _generations(database)).current == 2
        assert await _shown(reader) == during
        await slow.close()


async def test_events_that_come_during_a_rebuild_are_shown_at_once_and_after_it(engines):
    async with _filled(engines) as (database, reader):
        await _request(database)
        await _step(database)
        async with database.begin() as uow:
            await append(uow.connection, *_life())
        await _step(database)
        assert await reader.fetchval("SELECT count(*) FROM order_statuses") == ORDERS + 1
        during = await _shown(reader)
        await settle(database)
        assert (await _generations(database)).current == 2
        assert await _shown(reader) == during


async def test_a_second_wish_while_a_rebuild_is_open_leaves_it_as_it_is(engines):
    async with _filled(engines) as (database, reader):
        before = await _shown(reader)
        await _request(database)
        await _step(database)
        assert await _request(database) == await _generations(database)
        assert (await _generations(database)).built_to == BUILD_ROWS_MAX
        await settle(database)
        await _request(database)
        await settle(database)
        assert (await _generations(database)).current == 3
        assert await _shown(reader) == before


async def test_a_rebuild_mends_figures_that_were_wrong(engines):
    async with _filled(engines, orders=3) as (database, reader):
        before = await _shown(reader)
        await reader.execute("UPDATE revenue_daily SET paid_minor = paid_minor + 1")
        await reader.execute("DELETE FROM order_facts WHERE ctid = (SELECT max(ctid) FROM order_facts)")
        assert await _shown(reader) != before
        await _request(database)
        await settle(database)
        assert await _shown(reader) == before


async def test_a_reader_in_an_open_transaction_holds_no_rebuild_up(engines, prefix):
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as analytics:
        reader = await asyncpg.connect(analytics.settings.database_url)
        try:
            async with reader.transaction():
                await reader.fetch("SELECT * FROM audit.order_facts")
                await reader.fetch("SELECT * FROM audit.revenue_daily")
                status, begun = await analytics.call("POST", "/internal/projections/rebuild")
                assert (status, begun["building"]) == (202, 2)

                async def swapped():
                    _, state = await analytics.call("GET", "/internal/projections")
                    return (state["current"], state["building"]) == (2, None)

                await until(swapped)
        finally:
            await reader.close()
