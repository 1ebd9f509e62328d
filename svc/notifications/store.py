"""The table of deliveries and the statements on it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.notifications.domain import Letter

LEASE_S = 30.0

_INSERT = """
    INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, order_id, amount_minor, currency,
                            context, traceparent, message_id)
    VALUES ($1, $2, $3, 'email', $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (event_id, template, recipient) DO NOTHING
    RETURNING true
"""
_CLAIM = """
    UPDATE deliveries SET status = 'sending', attempts = attempts + 1,
                          next_attempt_at = clock_timestamp() + make_interval(secs => $2)
    WHERE id IN (
        SELECT id FROM deliveries WHERE status IN ('pending', 'sending') AND next_attempt_at <= clock_timestamp()
        ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, event_id, template, recipient, order_id, amount_minor, currency, context, traceparent, message_id,
              attempts
"""
_FEED = """
    SELECT id, template, order_id, status, created_at FROM deliveries
    WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
    ORDER BY created_at DESC, id DESC LIMIT $4
"""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed delivery; the claim ends by itself after `LEASE_S`."""

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


async def claim(connection: Connection, *, rows_max: int) -> list[Delivery]:
    """Take due deliveries, and those whose sender died, for `LEASE_S`."""
    rows = await connection.fetch(_CLAIM, rows_max, LEASE_S)
    return [Delivery(**dict(row)) for row in rows]


async def mark_sent(connection: Connection, ids: Sequence[UUID]) -> None:
    """The channel took them."""
    await connection.execute(
        "UPDATE deliveries SET status = 'sent', sent_at = clock_timestamp(), error = NULL WHERE id = ANY($1::uuid[])",
        ids,
    )


async def mark_failed(connection: Connection, delivery_id: UUID, *, error: str, retry_in_s: float | None) -> None:
    """The channel did not take it; None gives up."""
    await connection.execute(
        "UPDATE deliveries SET status = CASE WHEN $3::float8 IS NULL THEN 'failed' ELSE 'pending' END, error = $2, "
        "next_attempt_at = clock_timestamp() + make_interval(secs => coalesce($3::float8, 0)) WHERE id = $1",
        delivery_id,
        error,
        retry_in_s,
    )


async def feed(
    connection: Connection, customer_id: UUID, *, before: tuple[datetime, UUID] | None, rows_max: int
) -> list[FeedItem]:
    """A customer's messages, newest first, after a place in the list."""
    at, delivery_id = before or (None, None)
    return [FeedItem(*row) for row in await connection.fetch(_FEED, customer_id, at, delivery_id, rows_max)]
