"""What happened to an order beside its state: notes, the trigger's history and the published events."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection

_PAGE = """
    SELECT id, machine, from_state, to_state, actor, reason, at FROM order_transitions
    WHERE order_id = $1 AND id > $2 AND ($3::text IS NULL OR machine = $3) ORDER BY id LIMIT $4
"""
_NOTES_PAGE = "SELECT id, actor, note, at FROM order_notes WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3"
_NOTE = "INSERT INTO order_notes (order_id, actor, note) VALUES ($1, $2, $3) RETURNING id, actor, note, at"


class Move(msgspec.Struct, frozen=True):
    """One move of one of an order's machines; `from_state` is absent for its first."""

    id: int
    machine: str
    from_state: str | None
    to_state: str
    actor: str
    reason: str
    at: datetime


class Note(msgspec.Struct, frozen=True):
    """What somebody, or a service, wrote down about an order."""

    id: int
    actor: str
    note: str
    at: datetime


async def note(connection: Connection, order_id: UUID, *, actor: str, note: str) -> Note:
    """Write down what happened to an order without moving it."""
    row = await connection.fetchrow(_NOTE, order_id, actor, note)
    assert row is not None, "an insert gives its row"
    return _note(row)


async def paid_at(connection: Connection, order_id: UUID) -> datetime | None:
    """When the order's money came; None while it has not."""
    return await connection.fetchval(
        "SELECT min(at) FROM order_transitions WHERE order_id = $1 AND machine = 'payment' AND to_state = 'captured'",
        order_id,
    )


async def moves(
    connection: Connection, order_id: UUID, *, machine: str | None, after: int, rows_max: int
) -> list[Move]:
    """An order's moves after the given place in the list, oldest first: of one machine, or of all."""
    rows = await connection.fetch(_PAGE, order_id, after, machine, rows_max)
    return [Move(*row) for row in rows]


async def notes_page(connection: Connection, order_id: UUID, *, after: int, rows_max: int) -> list[Note]:
    """An order's notes after the given place in the list, oldest first."""
    return [_note(row) for row in await connection.fetch(_NOTES_PAGE, order_id, after, rows_max)]


async def history(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    return await connection.fetch(
        "SELECT from_state AS from_status, to_state AS to_status, actor, reason, at FROM order_transitions "
        "WHERE order_id = $1 AND machine = 'status' ORDER BY id",
        order_id,
    )


async def notes(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    return await connection.fetch("SELECT actor, note, at FROM order_notes WHERE order_id = $1 ORDER BY id", order_id)


async def events(connection: Connection, order_id: UUID) -> Sequence[asyncpg.Record]:
    """The order's outbox rows that are still kept."""
    return await connection.fetch(
        "SELECT id, type, aggregate_version, created_at, sent_at FROM outbox WHERE aggregate_id = $1 "
        "ORDER BY aggregate_version",
        str(order_id),
    )


def _note(row: asyncpg.Record) -> Note:
    return Note(*row)
