"""Webhooks of the carrier as they came, each event once, and what became of them."""

from datetime import datetime

import asyncpg
import msgspec

from shared.database import Connection


class StoredWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A stored webhook that is to be applied; `payload` is the raw body."""

    event_id: str
    type: str
    payload: str
    attempts: int
    received_at: datetime
    traceparent: str | None


async def insert(
    connection: Connection, *, event_id: str, event_type: str, payload: str, traceparent: str | None
) -> bool:
    """Store a webhook; False when this event came before."""
    fresh = await connection.fetchval(
        "INSERT INTO webhooks (event_id, type, payload, traceparent) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING RETURNING true",
        event_id,
        event_type,
        payload,
        traceparent,
    )
    return fresh is not None


async def next_due(connection: Connection) -> StoredWebhook | None:
    """The oldest webhook not applied yet, locked against other appliers."""
    row: asyncpg.Record | None = await connection.fetchrow(
        "SELECT event_id, type, payload, attempts, received_at, traceparent FROM webhooks "
        "WHERE applied_at IS NULL AND due_at <= clock_timestamp() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return None if row is None else StoredWebhook(**dict(row))


async def finish(connection: Connection, event_id: str, outcome: str) -> None:
    """Note what became of the webhook."""
    await connection.execute(
        "UPDATE webhooks SET applied_at = clock_timestamp(), outcome = $2 WHERE event_id = $1 AND applied_at IS NULL",
        event_id,
        outcome,
    )


async def postpone(connection: Connection, event_id: str, *, delay_s: float, attempts_max: int) -> None:
    """Applying it failed: try again after the delay; the last failure ends it as `failed`."""
    await connection.execute(
        """
        UPDATE webhooks SET attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => $2),
            applied_at = CASE WHEN attempts + 1 >= $3 THEN clock_timestamp() END,
            outcome = CASE WHEN attempts + 1 >= $3 THEN 'failed' END
        WHERE event_id = $1 AND applied_at IS NULL
        """,
        event_id,
        delay_s,
        attempts_max,
    )
