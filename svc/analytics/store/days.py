"""The partitions of the event store, one for each UTC day on which something happened.

Days before FIRST_DAY and from LAST_DAY on share one partition each, so that a clock gone wild makes no more of them.
"""

from collections.abc import Iterable
from datetime import date

from shared.unit_of_work import Connection
from svc.analytics.store.events import bounds

FIRST_DAY = date(2020, 1, 1)
LAST_DAY = date(2100, 1, 1)
DAYS_LOCK = 7_261_102
PRUNING_LOCK_MS = 500
"""How long whoever writes or rebuilds may wait for a partition that goes; then it goes another time."""

_MISSING = """
    SELECT day FROM unnest($1::date[]) AS day
    WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'events_' || to_char(day, 'YYYYMMDD')) ORDER BY day
"""
"""Not `to_regclass`, which remembers for a while that a table was not there."""
_OLDEST = """
    SELECT min(day) FROM (
        SELECT to_date(substr(relname, 8), 'YYYYMMDD') AS day FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'events'::regclass AND relname ~ '^events_[0-9]{8}'
    ) AS partition
    WHERE day < $1 AND NOT EXISTS (
        SELECT FROM unprojected
        WHERE occurred_at >= day::timestamp AT TIME ZONE 'UTC' AND occurred_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
    )
"""


async def open_days(connection: Connection, days: Iterable[date]) -> None:
    """See to it that each day has its partition. Neither readers nor writers wait for one that is made.

    A table is made and then attached: `CREATE TABLE … PARTITION OF` would lock everybody out. Until the transaction
    ends no partition is dropped.
    """
    wanted = [day for day in days if FIRST_DAY <= day < LAST_DAY]
    await connection.execute("LOCK TABLE ONLY events IN ROW EXCLUSIVE MODE")
    if not await connection.fetch(_MISSING, wanted):
        return
    await connection.execute("SELECT pg_advisory_xact_lock($1)", DAYS_LOCK)
    for row in await connection.fetch(_MISSING, wanted):
        first, after = bounds(row["day"])
        name = _name(row["day"])
        await connection.execute(f"CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        await connection.execute(
            f"ALTER TABLE events ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{first.isoformat()}') TO ('{after.isoformat()}')"
        )


async def oldest_day(connection: Connection, *, before: date) -> date | None:
    """The oldest day before this one that has a partition and no event that the figures lack."""
    return await connection.fetchval(_OLDEST, before)


async def lock_day(connection: Connection, day: date) -> None:
    """Keep everybody from the partition until the transaction ends. Raises what asyncpg raises when it takes long."""
    await connection.execute(f"SET LOCAL lock_timeout = {PRUNING_LOCK_MS}")
    await connection.execute(f"LOCK TABLE ONLY events, {_name(day)} IN ACCESS EXCLUSIVE MODE")


async def day_waits(connection: Connection, day: date) -> bool:
    """Whether the figures still lack an event of the day that waits to be folded in."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM unprojected WHERE refused IS NULL AND occurred_at >= $1 AND occurred_at < $2)",
        *bounds(day),
    )


async def drop_day(connection: Connection, day: date) -> None:
    """Forget the events of a locked day, and those of them that the figures never held."""
    await connection.execute("DELETE FROM unprojected WHERE occurred_at >= $1 AND occurred_at < $2", *bounds(day))
    await connection.execute(f"DROP TABLE {_name(day)}")


def _name(day: date) -> str:
    return f"events_{day:%Y%m%d}"
