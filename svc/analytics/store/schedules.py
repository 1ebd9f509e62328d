"""The table of schedules: who has which report mailed, and when next."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.pruning import Rule
from shared.unit_of_work import Connection
from svc.analytics.domain.schedules import Cadence

ERASING = ("DELETE FROM report_schedules USING erased_people WHERE owner_id = user_id",)
FORGOTTEN = Rule("report_schedules", "ends_at < clock_timestamp() - interval '7 days'")

_COLUMNS = "id, report_id, owner_id, email, cadence, hour, days, next_at, ends_at, sent, last_error"
_INSERT = f"""
    INSERT INTO report_schedules (id, report_id, owner_id, email, cadence, hour, days, next_at, ends_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (report_id, owner_id, cadence, hour) DO NOTHING
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants
_OF_OWNER = f"SELECT {_COLUMNS} FROM report_schedules WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3"  # noqa: S608 constants
_DUE = "SELECT id FROM report_schedules WHERE next_at <= $1 AND next_at < ends_at ORDER BY next_at, id LIMIT $2"
_LOCK_DUE = f"""
    SELECT {_COLUMNS} FROM report_schedules WHERE id = $1 AND next_at <= $2 AND next_at < ends_at FOR UPDATE
"""  # noqa: S608 constants


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`sent` counts the mails asked for; `last_error` says why the last one was not."""

    id: UUID
    report_id: UUID
    owner_id: UUID
    email: str
    cadence: Cadence
    hour: int
    days: int
    next_at: datetime
    ends_at: datetime
    sent: int = 0
    last_error: str | None = None


async def insert(connection: Connection, schedule: Schedule) -> bool:
    """Store the schedule; False when its owner has the same one."""
    row = await connection.fetchrow(
        _INSERT,
        schedule.id,
        schedule.report_id,
        schedule.owner_id,
        schedule.email,
        schedule.cadence.value,
        schedule.hour,
        schedule.days,
        schedule.next_at,
        schedule.ends_at,
    )
    return row is not None


async def lock_owner(connection: Connection, owner_id: UUID) -> int:
    """How many schedules the owner has; nobody adds one until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"schedules {owner_id}")
    return await connection.fetchval("SELECT count(*) FROM report_schedules WHERE owner_id = $1", owner_id)


async def page(connection: Connection, owner_id: UUID, *, after: UUID, rows_max: int) -> list[Schedule]:
    """The owner's schedules, from the one after `after` on."""
    rows = await connection.fetch(_OF_OWNER, owner_id, after, rows_max)
    return [msgspec.convert(dict(row), Schedule) for row in rows]


async def delete(connection: Connection, schedule_id: UUID, owner_id: UUID) -> bool:
    """Delete the owner's schedule; False when they have none with this id."""
    return bool(
        await connection.fetchval(
            "DELETE FROM report_schedules WHERE id = $1 AND owner_id = $2 RETURNING true", schedule_id, owner_id
        )
    )


async def due(connection: Connection, now: datetime, *, rows_max: int) -> list[UUID]:
    """Schedules whose time has come."""
    return [row["id"] for row in await connection.fetch(_DUE, now, rows_max)]


async def lock_due(connection: Connection, schedule_id: UUID, now: datetime) -> Schedule | None:
    """The schedule for this transaction alone; None when its time has not come, or is past already."""
    row = await connection.fetchrow(_LOCK_DUE, schedule_id, now)
    return None if row is None else msgspec.convert(dict(row), Schedule)


async def move_on(connection: Connection, schedule_id: UUID, *, to: datetime, error: str | None = None) -> None:
    """What was due is done, or given up because of an error."""
    await connection.execute(
        "UPDATE report_schedules SET next_at = $2, last_error = $3::text, sent = sent + ($3::text IS NULL)::integer "
        "WHERE id = $1",
        schedule_id,
        to,
        error,
    )
