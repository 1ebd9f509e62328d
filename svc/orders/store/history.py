"""What happened to an order beside its state: notes, the trigger's history and the published events."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.unit_of_work import Connection


async def note(connection: Connection, order_id: UUID, *, actor: str, note: str) -> None:
    """Write down what happened to an order without moving it."""
    await connection.execute(
        "INSERT INTO order_notes (order_id, actor, note) VALUES ($1, $2, $3)", order_id, actor, note
    )


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
