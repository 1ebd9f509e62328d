"""Feeds and how far each is. Every statement runs inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection

ERRORS_KEPT_MAX = 1_000
"""Of one feed, the first ones; `failed` counts all."""

_OPEN = """
    INSERT INTO feeds (id, owner, format) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING
"""
_HOLD = """
    SELECT true FROM feeds WHERE id = $1 AND rows_done = $2 AND status = 'open' FOR UPDATE SKIP LOCKED
"""
_ADVANCE = """
    UPDATE feeds SET rows_done = rows_done + $3, created = created + $4, updated = updated + $5,
        unchanged = unchanged + $6, failed = failed + $7
    WHERE id = $1 AND rows_done = $2 AND status = 'open' RETURNING true
"""
_ADD_ERRORS = """
    INSERT INTO feed_errors (feed_id, row_number, code, detail)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[])
    LIMIT greatest(0, $5 - (SELECT count(*) FROM feed_errors WHERE feed_id = $1))
"""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """An import; `rows_done` is where a repeat of the same feed goes on."""

    id: UUID
    owner: str
    format: str
    status: str
    rows_done: int
    created: int
    updated: int
    unchanged: int
    failed: int
    begun_at: datetime
    ended_at: datetime | None


class FeedError(msgspec.Struct, frozen=True):
    """Why a row was left out."""

    row_number: int
    code: str
    detail: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of some rows."""

    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: tuple[FeedError, ...] = ()


async def open_feed(connection: Connection, feed_id: UUID, *, owner: str, form: str) -> Feed:
    """The feed with this id, made if there was none."""
    await connection.execute(_OPEN, feed_id, owner, form)
    feed = await find(connection, feed_id)
    assert feed is not None, "it was just stored"
    return feed


async def find(connection: Connection, feed_id: UUID) -> Feed | None:
    """One feed."""
    row = await connection.fetchrow("SELECT * FROM feeds WHERE id = $1", feed_id)
    return None if row is None else Feed(**row)


async def hold(connection: Connection, feed_id: UUID, *, rows_done: int) -> bool:
    """Keep everybody else from counting until the transaction ends; False, at once, when somebody does or did."""
    return bool(await connection.fetchval(_HOLD, feed_id, rows_done))


async def advance(connection: Connection, feed_id: UUID, step: Step, *, rows_done: int) -> bool:
    """Count the rows; False when somebody else counted since `rows_done` was read."""
    moved = await connection.fetchval(
        _ADVANCE, feed_id, rows_done, step.rows, step.created, step.updated, step.unchanged, len(step.errors)
    )
    if moved and step.errors:
        await connection.execute(
            _ADD_ERRORS,
            feed_id,
            [error.row_number for error in step.errors],
            [error.code for error in step.errors],
            [error.detail for error in step.errors],
            ERRORS_KEPT_MAX,
        )
    return bool(moved)


async def complete(connection: Connection, feed_id: UUID, *, rows_done: int) -> bool:
    """All rows are done; False when somebody else counted since."""
    return bool(
        await connection.fetchval(
            "UPDATE feeds SET status = 'completed', ended_at = clock_timestamp() "
            "WHERE id = $1 AND rows_done = $2 AND status = 'open' RETURNING true",
            feed_id,
            rows_done,
        )
    )


async def errors_of(connection: Connection, feed_id: UUID, *, after: int, rows_max: int) -> Sequence[FeedError]:
    """The rows that were left out, in their order."""
    rows = await connection.fetch(
        "SELECT row_number, code, detail FROM feed_errors WHERE feed_id = $1 AND row_number > $2 "
        "ORDER BY row_number LIMIT $3",
        feed_id,
        after,
        rows_max,
    )
    return [FeedError(**row) for row in rows]
