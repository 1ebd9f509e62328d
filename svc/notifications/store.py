"""The table of deliveries and the statements on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts.values import ERASED_EMAIL
from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.notifications.domain import Letter

_INSERT = """
    INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, order_id, amount_minor, currency,
                            context, traceparent, message_id)
    VALUES ($1, $2, $3, 'email', $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (event_id, template, recipient) DO NOTHING
    RETURNING true
"""
_TAKE = """
    UPDATE deliveries SET status = 'sending', attempts = CASE WHEN status = 'failed' THEN 1 ELSE attempts + 1 END
    WHERE id = $1 AND status <> 'sent'
    RETURNING id, event_id, template, recipient, order_id, amount_minor, currency, context, traceparent, message_id,
              attempts
"""
_FEED = """
    SELECT id, template, order_id, status, created_at FROM deliveries
    WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
    ORDER BY created_at DESC, id DESC LIMIT $4
"""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is being sent; `attempts` counts this one."""

    id: UUID
    event_id: UUID
    template: str
    recipient: str
    order_id: UUID | None
    amount_minor: int | None
    currency: str | None
    context: dict[str, Any]
    traceparent: str | None
    message_id: str
    attempts: int


ERASING = (
    f"""
    UPDATE deliveries SET recipient = '{ERASED_EMAIL}', context = '{{}}'
    FROM erased_people WHERE customer_id = user_id AND recipient <> '{ERASED_EMAIL}' AND status IN ('sent', 'failed')
    """,  # noqa: S608 constants
)
"""A mail that is still to be sent keeps its recipient until then."""


class Queued(msgspec.Struct, frozen=True):
    id: UUID
    traceparent: str | None


class FeedItem(msgspec.Struct, frozen=True):
    id: UUID
    template: str
    order_id: UUID | None
    status: str
    created_at: datetime


async def insert(connection: Connection, letter: Letter, *, traceparent: str | None) -> bool:
    """Queue the letter; False when it was queued before."""
    return bool(
        await connection.fetchval(
            _INSERT,
            letter.delivery_id,
            letter.event_id,
            letter.template.value,
            letter.recipient,
            letter.customer_id,
            letter.order_id,
            letter.amount_minor,
            letter.currency,
            dict(letter.context),
            traceparent,
            f"{letter.delivery_id}@shopstream",
        )
    )


async def take(connection: Connection, delivery_id: UUID) -> Delivery | None:
    """The delivery for one attempt to send it; None when it was sent. One that had failed begins anew."""
    row = await connection.fetchrow(_TAKE, delivery_id)
    return None if row is None else Delivery(**dict(row))


async def mark_sent(connection: Connection, delivery_id: UUID) -> int | None:
    """The channel took it; gives the aggregate version, None when that was known."""
    return await connection.fetchval(
        "UPDATE deliveries SET status = 'sent', sent_at = clock_timestamp(), error = NULL, version = version + 1 "
        "WHERE id = $1 AND status <> 'sent' RETURNING version",
        delivery_id,
    )


async def mark_waiting(connection: Connection, delivery_id: UUID, *, error: str) -> None:
    """The channel did not take it now; its job tries again."""
    await connection.execute(
        "UPDATE deliveries SET status = 'pending', error = $2 WHERE id = $1 AND status = 'sending'",
        delivery_id,
        error,
    )


async def mark_failed(connection: Connection, delivery_id: UUID, *, error: str) -> int | None:
    """Nobody tries any more; gives the aggregate version, None when it had ended."""
    return await connection.fetchval(
        "UPDATE deliveries SET status = 'failed', error = $2, version = version + 1 "
        "WHERE id = $1 AND status = 'sending' RETURNING version",
        delivery_id,
        error,
    )


async def feed(
    connection: Connection, customer_id: UUID, *, before: tuple[datetime, UUID] | None, rows_max: int
) -> list[FeedItem]:
    """A customer's messages, newest first, after a place in the list."""
    at, delivery_id = before or (None, None)
    return [FeedItem(*row) for row in await connection.fetch(_FEED, customer_id, at, delivery_id, rows_max)]


WORK = WorkTable(
    "deliveries",
    key="id",
    is_open="status IN ('pending', 'sending')",
    columns="id, traceparent",
    read=lambda row: Queued(row["id"], row["traceparent"]),
)
"""Deliveries that want a job."""
