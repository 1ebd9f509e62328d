"""The event store by day: partitions ahead and by need, and old ones forgotten without a change of any figure."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from shared.clock import FixedClock
from shared.errors import DatabaseBusyError
from shared.settings import SettingsError
from svc.analytics import handlers
from svc.analytics.handlers import Recorder
from svc.analytics.jobs import DAYS_AHEAD, partitioner
from svc.analytics.settings import Settings
from svc.analytics.store import days, generations
from tests.support.builders.shop_events import NOON, Order, as_of, product, received
from tests.support.reporting import append, rebuild, record, settle, shown
from tests.support.services import opened_database

pytestmark = pytest.mark.service("analytics")

PARTITIONS = """
    SELECT substr(relname, 8) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'events'::regclass ORDER BY 1
"""
OF_STORE = ["early", "far"]


async def _partitions(database):
    async with database.acquire() as connection:
        names = [row[0] for row in await connection.fetch(PARTITIONS)]
    return [name for name in names if name not in OF_STORE]


async def _keep(database, recorder, *told):
    async with database.begin() as uow:
        for event in told:
            await recorder.record(uow, event)


async def test_an_event_of_a_day_without_a_partition_makes_one_and_a_wild_clock_makes_none(engines):
    async with opened_database(engines, "analytics") as database:
        recorder = Recorder(lambda: None, FixedClock(NOON))
        wild = [datetime(1, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)]
        moments = [NOON, NOON + timedelta(days=1), NOON - timedelta(days=400), *wild]
        await _keep(database, recorder, *(as_of(Order().captured(), at) for at in moments))
        assert await _partitions(database) == ["20241128", "20260102", "20260103"]
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM events") == len(moments)
            assert await connection.fetchval("SELECT count(*) FROM events_20260102") == 1


async def test_today_and_the_days_to_come_are_there_before_their_events(engines):
    async with opened_database(engines, "analytics") as database:
        job = partitioner(database, FixedClock(datetime(2026, 2, 27, tzinfo=UTC)))
        for _ in range(2):
            await job._once()
            assert job.failures_in_row == 0
        ahead = [date(2026, 2, 27) + timedelta(days=number) for number in range(DAYS_AHEAD + 1)]
        assert await _partitions(database) == [f"{day:%Y%m%d}" for day in ahead]


async def test_many_who_need_the_same_day_at_once_make_it_once(engines):
    async with opened_database(engines, "analytics") as database:
        recorders = [Recorder(lambda: None, FixedClock(NOON)) for _ in range(6)]
        await asyncio.gather(*(_keep(database, recorder, Order().captured()) for recorder in recorders))
        assert await _partitions(database) == ["20260102"]


async def test_a_partition_is_made_while_others_read_and_write(engines):
    async with opened_database(engines, "analytics") as database:
        await record(database, Order().captured())
        reader = await asyncpg.connect(database.url, server_settings={"lock_timeout": "1s"})
        try:
            async with reader.transaction():
                await reader.fetch("SELECT * FROM events")
                async with database.begin() as uow:
                    await append(uow.connection, as_of(Order().captured(), NOON + timedelta(days=1)))
                    assert await reader.fetchval("SELECT count(*) FROM events") == 1
                    other = Order().captured()
                    await reader.execute(
                        "INSERT INTO events (id, type, version, aggregate_id, aggregate_version, occurred_at, data) "
                        "VALUES ($1, 'x', 1, 'x', 1, $2, '{}')", other.id, NOON,
                    )  # fmt: skip
        finally:
            await reader.close()


async def test_an_event_that_comes_again_is_kept_once(engines):
    async with opened_database(engines, "analytics") as database:
        event = Order().captured()
        for _ in range(2):
            await record(database, event)
        await settle(database)
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT sum(paid_minor) FROM revenue_shown") == 3_000


@pytest.mark.parametrize("statement", ["UPDATE events SET data = '{}'", "DELETE FROM events"])
async def test_what_is_kept_is_never_changed(engines, statement):
    async with opened_database(engines, "analytics") as database:
        await record(database, Order().captured())
        async with database.acquire() as connection:
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)


TODAY = NOON.date() + timedelta(days=2)


async def _prune(database, *, before=TODAY):
    """Steps until nothing is left; gives how many there were."""
    for steps in range(1, 50):
        async with database.begin() as uow:
            if not await handlers.prune(uow, before=before):
                return steps
    raise AssertionError("no end")


async def _filled(database):
    """Orders of four days, with what makes rows of every figure."""
    yesterday, today = NOON - timedelta(days=1), NOON + timedelta(days=2)
    first = Order(units=2, at=yesterday)
    orders = [first, Order(at=NOON), Order(at=NOON + timedelta(days=1)), Order(at=today)]
    told = [event for order in orders for event in order.fulfilled()]
    told += [first.refunded(500), first.refund_told(500), first.released("restocked")]
    told += [product(first.line.product_id, "Jacket", at=yesterday), received("SKU-1", 10, at=yesterday)]
    await record(database, *told)
    await settle(database)
    return first


async def test_old_days_are_forgotten_in_bounded_steps_and_no_figure_changes_then_or_in_a_rebuild(engines, monkeypatch):
    monkeypatch.setattr("svc.analytics.handlers.projecting.BUILD_ROWS_MAX", 4)
    async with opened_database(engines, "analytics") as database:
        await _filled(database)
        before = await shown(database)
        steps = await _prune(database)
        assert steps > 6  # 25 events, four at a time
        assert await _partitions(database) == [f"{TODAY:%Y%m%d}"]
        assert await shown(database) == before
        for _ in range(2):
            await rebuild(database)
            assert await shown(database) == before
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM events") == 7


async def test_what_is_told_of_a_forgotten_day_counts_and_is_forgotten_in_its_turn(engines):
    async with opened_database(engines, "analytics") as database:
        first = await _filled(database)
        await _prune(database)
        late = as_of(first.refunded(250, "late"), first.at)
        await record(database, late)
        await settle(database)
        with_it = await shown(database)
        assert "(2026-01-01,EUR,late,1,250,0)" in with_it
        await _prune(database)
        assert await _partitions(database) == [f"{TODAY:%Y%m%d}"]
        await rebuild(database)
        assert await shown(database) == with_it


async def test_what_commits_late_while_its_day_is_being_forgotten_is_in_the_base_once(engines, monkeypatch):
    monkeypatch.setattr("svc.analytics.handlers.projecting.BUILD_ROWS_MAX", 4)
    async with opened_database(engines, "analytics") as database:
        slow = await database.connect()
        held = slow.transaction()
        await record(database, as_of(Order().captured(), NOON - timedelta(days=1)))
        await held.start()
        await append(slow, as_of(Order(total_minor=77).captured(), NOON - timedelta(days=1)))  # a low position
        await _filled(database)
        async with database.begin() as uow:
            assert await handlers.prune(uow, before=TODAY) == 4
        await held.commit()
        await slow.close()
        async with database.begin() as uow:
            stand = await generations.read(uow.connection)
        assert stand.pruning == date(2026, 1, 1)
        await settle(database)
        whole = await shown(database)
        await _prune(database)
        await rebuild(database)
        assert await shown(database) == whole
        assert "77" in whole


async def test_a_day_with_an_event_that_waits_stays(engines):
    async with opened_database(engines, "analytics") as database:
        await _filled(database)
        await record(database, as_of(Order().captured(), NOON - timedelta(days=1)))
        await _prune(database)
        assert (await _partitions(database))[0] == "20260101"
        await settle(database)
        await _prune(database)
        assert await _partitions(database) == [f"{TODAY:%Y%m%d}"]


async def test_no_day_is_begun_while_a_rebuild_is_open_and_one_that_was_is_ended_first(engines, monkeypatch):
    monkeypatch.setattr("svc.analytics.handlers.projecting.BUILD_ROWS_MAX", 4)
    async with opened_database(engines, "analytics") as database:
        await _filled(database)
        before = await shown(database)
        async with database.begin() as uow:
            await handlers.prune(uow, before=TODAY)
        async with database.begin() as uow:
            await handlers.request_rebuild(uow)
        async with database.begin() as uow:
            assert await handlers.project(uow) == 0  # it waits for the day
        await _prune(database)
        assert (await _partitions(database))[0] == "20260102"
        await settle(database)
        assert await shown(database) == before
        await _prune(database)
        assert await _partitions(database) == [f"{TODAY:%Y%m%d}"]


async def test_a_day_that_somebody_reads_goes_another_time_and_nobody_waits_long(engines):
    async with opened_database(engines, "analytics") as database:
        await _filled(database)
        before = await shown(database)
        reader = await asyncpg.connect(database.url)
        try:
            async with reader.transaction():
                await reader.fetch("SELECT * FROM events")
                with pytest.raises(DatabaseBusyError):
                    await _prune(database)
                assert len(await _partitions(database)) == 4
        finally:
            await reader.close()
        await _prune(database)
        assert await _partitions(database) == [f"{TODAY:%Y%m%d}"]
        await rebuild(database)
        assert await shown(database) == before


def test_the_last_month_is_always_kept():
    common = {"env": "test", "internal_secret": "x" * 32, "webhook_secrets": ("y" * 32,)}
    assert Settings(**common).events_kept_days == 0
    assert Settings(**common, events_kept_days=30).events_kept_days == 30
    for wrong in (1, 29, -1):
        with pytest.raises(SettingsError, match="EVENTS_KEPT_DAYS"):
            Settings(**common, events_kept_days=wrong)


async def test_a_wild_day_never_asks_for_a_partition(engines):
    async with opened_database(engines, "analytics") as database, database.begin() as uow:
        await days.open_days(uow.connection, [date(1, 1, 1), date(9999, 12, 31)])
        assert [row[0] for row in await uow.connection.fetch(PARTITIONS)] == OF_STORE
