"""Webhooks of a partner as they came: stored first, each event once, applied after, and what became of them.

A service that receives webhooks has the table `webhooks` (event_id, type, payload, traceparent, attempts, due_at,
received_at, applied_at, outcome) in its schema.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg
import msgspec
import structlog

from shared.database import Database
from shared.errors import WorldError
from shared.jobs_queue import Periodic
from shared.tracing import span
from shared.unit_of_work import Connection, UnitOfWork

ATTEMPTS_MAX = 5
RETRY_S = 0.5

log = structlog.get_logger(__name__)


class StoredWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A stored webhook that is to be applied; `payload` is the raw body."""

    event_id: str
    type: str
    payload: str
    attempts: int
    received_at: datetime
    traceparent: str | None


Apply = Callable[[UnitOfWork, StoredWebhook], Awaitable[str]]
"""Lets a webhook take effect and calls `finish`; gives what became of it."""


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


async def finish(connection: Connection, event_id: str, outcome: str) -> None:
    """Note what became of the webhook."""
    await connection.execute(
        "UPDATE webhooks SET applied_at = clock_timestamp(), outcome = $2 WHERE event_id = $1 AND applied_at IS NULL",
        event_id,
        outcome,
    )


def applier(database: Database, apply: Apply, *, every_s: float) -> Periodic:
    """Applies stored webhooks, each in a transaction of its own; one that keeps failing ends as `failed`."""

    async def apply_next() -> int:
        stored: StoredWebhook | None = None
        try:
            async with database.begin() as uow:
                stored = await _next_due(uow.connection)
                if stored is None:
                    return 0
                with span(f"webhook {stored.type}", kind="consumer", parent=stored.traceparent or ""):
                    await apply(uow, stored)
        except WorldError:
            raise
        except Exception:
            if stored is None:
                raise
            log.exception("webhook_failed", event_id=stored.event_id)
            async with database.begin() as uow:
                await _postpone(uow.connection, stored.event_id)
        return 1

    return Periodic("apply_webhooks", every_s, apply_next)


async def _next_due(connection: Connection) -> StoredWebhook | None:
    """The oldest webhook not applied yet, locked against other appliers."""
    row: asyncpg.Record | None = await connection.fetchrow(
        "SELECT event_id, type, payload, attempts, received_at, traceparent FROM webhooks "
        "WHERE applied_at IS NULL AND due_at <= clock_timestamp() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return None if row is None else StoredWebhook(**dict(row))


async def _postpone(connection: Connection, event_id: str) -> None:
    """Applying it failed: try again after a while; the last failure ends it as `failed`."""
    await connection.execute(
        """
        UPDATE webhooks SET attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => $2),
            applied_at = CASE WHEN attempts + 1 >= $3 THEN clock_timestamp() END,
            outcome = CASE WHEN attempts + 1 >= $3 THEN 'failed' END
        WHERE event_id = $1 AND applied_at IS NULL
        """,
        event_id,
        RETRY_S,
        ATTEMPTS_MAX,
    )
