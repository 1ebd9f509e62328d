"""Webhooks of a partner as they came: stored first, each event once, applied after, and what became of them.

A service that receives webhooks has the table `webhooks` (event_id, type, payload, traceparent, due_at,
surprises, review, received_at, applied_at, outcome) in its schema.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from shared.database import Database
from shared.unit_of_work import Connection, UnitOfWork
from shared.work_table import Claimed, Pace, Verdict, WorkEngine, WorkTable

DISOWNED = "disowned"
"""What became of a webhook that the partner never sent."""
AT_ONCE_MAX = 3
"""Webhooks applied beside each other; each holds a connection."""


class StoredWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A stored webhook that is to be applied; `payload` is the raw body."""

    event_id: str
    type: str
    payload: str
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


async def disown(connection: Connection, event_ids: Sequence[str]) -> int:
    """Note of stored webhooks that the partner never sent them; gives of how many that was new."""
    rows = await connection.fetch(
        "UPDATE webhooks SET outcome = $2 WHERE event_id = ANY($1::text[]) AND applied_at IS NOT NULL "
        "AND outcome <> $2 RETURNING event_id",
        list(event_ids),
        DISOWNED,
    )
    return len(rows)


class WebhookWork(WorkEngine[StoredWebhook, None]):
    """Applies stored webhooks, each in a transaction of its own; one that keeps failing ends as `failed`."""

    def __init__(self, database: Database, apply: Apply, pace: Pace) -> None:
        super().__init__("apply_webhooks", database, WORK, msgspec.structs.replace(pace, at_once_max=AT_ONCE_MAX))
        self._apply = apply

    async def perform(self, item: StoredWebhook) -> None:
        """Nothing is called: all of a webhook's effect is in the database."""

    async def record(
        self,
        uow: UnitOfWork,
        item: StoredWebhook,
        outcome: None,  # noqa: ARG002 no call, no outcome
    ) -> Verdict:
        await self._apply(uow, item)
        return Verdict.DONE

    async def give_up(self, uow: UnitOfWork, claimed: Claimed[StoredWebhook], reason: str) -> None:
        await finish(uow.connection, claimed.item.event_id, "failed")
        await WORK.mark_for_review(uow.connection, claimed.key, reason)

    def trace_of(self, item: StoredWebhook) -> tuple[str, str]:
        return f"webhook {item.type}", item.traceparent or ""


WORK = WorkTable(
    "webhooks",
    key="event_id",
    is_open="applied_at IS NULL",
    columns="event_id, type, payload, received_at, traceparent",
    read=lambda row: StoredWebhook(**dict(row)),
)
"""Webhooks that were stored and not applied yet."""
