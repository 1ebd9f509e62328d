"""Rebuilds of the index. Every statement runs inside the caller's transaction or alone."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection

_COLUMNS = "id, index_name, status, documents, expected, attempts, reason, requested_at, started_at, ended_at"
_NEWEST = f"SELECT {_COLUMNS} FROM index_builds ORDER BY requested_at DESC LIMIT 1"  # noqa: S608 constants
_IS_OPEN = "status IN ('requested', 'running')"
_OPEN = f"SELECT {_COLUMNS} FROM index_builds WHERE {_IS_OPEN}"  # noqa: S608 constants
_ATTEMPT = f"UPDATE index_builds SET attempts = attempts + 1 WHERE id = $1 AND {_IS_OPEN} RETURNING {_COLUMNS}"  # noqa: S608 constants
_START = f"""
    UPDATE index_builds SET status = 'running', index_name = $2, documents = 0, expected = $3,
        started_at = clock_timestamp()
    WHERE id = $1 RETURNING {_COLUMNS}
"""  # noqa: S608 constants


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One rebuild of the index; `documents` counts those written so far, of `expected` when it began."""

    id: UUID
    index_name: str | None
    status: str
    documents: int
    expected: int
    attempts: int
    reason: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


async def request_build(connection: Connection, build_id: UUID) -> Build:
    """Ask for a rebuild; while one is open, that one is given instead."""
    await connection.execute(
        "INSERT INTO index_builds (id, status) VALUES ($1, 'requested') ON CONFLICT DO NOTHING", build_id
    )
    build = await open_build(connection) or await latest_build(connection)
    assert build is not None, "a build was just stored"
    return build


async def open_build(connection: Connection) -> Build | None:
    """The build that is wanted or under way."""
    row = await connection.fetchrow(_OPEN)
    return None if row is None else Build(**row)


async def latest_build(connection: Connection) -> Build | None:
    """The newest build, ended or not."""
    row = await connection.fetchrow(_NEWEST)
    return None if row is None else Build(**row)


async def reopen_build(connection: Connection, build_id: UUID) -> None:
    """Want one that failed again, unless another is open by now."""
    await connection.execute(
        "UPDATE index_builds SET status = 'requested', reason = NULL, ended_at = NULL, attempts = 0 "
        "WHERE id = $1 AND status = 'failed' "
        "AND NOT EXISTS (SELECT FROM index_builds WHERE status IN ('requested', 'running'))",
        build_id,
    )


async def begin_attempt(connection: Connection, build_id: UUID) -> Build | None:
    """Count an attempt at the build; None when it has ended."""
    row = await connection.fetchrow(_ATTEMPT, build_id)
    return None if row is None else Build(**row)


async def start_build(connection: Connection, build_id: UUID, index_name: str, *, expected: int) -> Build:
    """The build writes into this index from now on; an attempt that died before is forgotten."""
    row = await connection.fetchrow(_START, build_id, index_name, expected)
    assert row is not None, "builds are never deleted"
    return Build(**row)


async def count_built(connection: Connection, build: Build, documents: int) -> None:
    """Show progress."""
    await connection.execute("UPDATE index_builds SET documents = $2 WHERE id = $1", build.id, documents)


async def is_still_ours(connection: Connection, build: Build) -> bool:
    """Whether no other instance took the build over."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM index_builds WHERE id = $1 AND index_name = $2 AND status = 'running'",
            build.id,
            build.index_name,
        )
    )


async def end_build(connection: Connection, build: Build) -> None:
    """It is in use."""
    await connection.execute(
        "UPDATE index_builds SET status = 'completed', ended_at = clock_timestamp() "
        "WHERE id = $1 AND index_name = $2 AND status = 'running'",
        build.id,
        build.index_name,
    )


async def fail_build(connection: Connection, build_id: UUID, reason: str) -> None:
    """Nobody tries any more."""
    await connection.execute(
        "UPDATE index_builds SET status = 'failed', reason = $2, ended_at = clock_timestamp() "
        "WHERE id = $1 AND status IN ('requested', 'running')",
        build_id,
        reason,
    )
