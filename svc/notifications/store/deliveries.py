"""Deliveries: what is to be said to whom over which channel, and what became of it."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.notifications.domain import ABOUT, Letter, Message, Refused

_INSERT = """
    INSERT INTO deliveries (id, channel, recipient, status, due_at, sent_at, message_id, event_id, template,
                            template_version, locale, customer_id, order_id, amount_minor, currency, context,
                            traceparent)
    SELECT id, channel, recipient, status, coalesce(due_at, clock_timestamp()),
           CASE WHEN status = 'sent' THEN clock_timestamp() END, id || '@shopstream', $6, $7, $8, $9, $10, $11, $12,
           $13, $14, $15
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
        AS message (id, channel, recipient, status, due_at)
    ON CONFLICT (event_id, template, recipient, channel) DO NOTHING
    RETURNING status
"""
COLUMNS = """
    id, event_id, template, template_version, locale, channel, recipient, customer_id, order_id, amount_minor,
    currency, context, traceparent, message_id, attempts
"""
_TAKE = f"""
    UPDATE deliveries SET status = 'sending', attempts = CASE WHEN status = 'failed' THEN 1 ELSE attempts + 1 END
    WHERE id = $1 AND status NOT IN ('sent', 'suppressed', 'digested')
    RETURNING {COLUMNS}, channel = 'email' AND EXISTS (
        SELECT FROM bounced_addresses WHERE address = lower(recipient)
    ) AS bounces
"""  # noqa: S608 constants
_SUPPRESS = """
    UPDATE deliveries SET status = 'suppressed', error = $2, version = version + 1
    WHERE id = $1 AND status = 'sending' RETURNING version
"""
_WITHDRAW = """
    UPDATE deliveries d SET status = 'suppressed', error = 'refused while it waited'
    FROM unnest($2::text[], $3::text[]) AS refused (template, channel)
    WHERE customer_id = $1 AND status IN ('held', 'gathered')
        AND d.template = refused.template AND d.channel = refused.channel
"""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as its channel needs it; of one that is being sent, `attempts` counts this one."""

    id: UUID
    event_id: UUID
    template: str
    template_version: int
    locale: str
    channel: str
    recipient: str
    customer_id: UUID
    order_id: UUID | None
    amount_minor: int | None
    currency: str | None
    context: dict[str, Any]
    traceparent: str | None
    message_id: str
    attempts: int


class Taken(msgspec.Struct, frozen=True):
    """A delivery taken for one attempt; `bounces`: mails to its address came back."""

    delivery: Delivery
    bounces: bool


class Queued(msgspec.Struct, frozen=True):
    id: UUID
    traceparent: str | None


async def insert(
    connection: Connection, letter: Letter, messages: Sequence[Message], *, locale: str, traceparent: str | None
) -> set[str]:
    """Store the letter's messages, each once whatever is redelivered; gives the statuses of those that are new."""
    rows = await connection.fetch(
        _INSERT,
        [message.id for message in messages],
        [message.channel.value for message in messages],
        [message.recipient for message in messages],
        [message.status.value for message in messages],
        [message.due_at for message in messages],
        letter.event_id,
        letter.template.value,
        ABOUT[letter.template].version,
        locale,
        letter.customer_id,
        letter.order_id,
        letter.amount_minor,
        letter.currency,
        dict(letter.context),
        traceparent,
    )
    return {row["status"] for row in rows}


async def take(connection: Connection, delivery_id: UUID) -> Taken | None:
    """The delivery for one attempt to send it; None when it was sent. One that had failed begins anew."""
    row = await connection.fetchrow(_TAKE, delivery_id)
    if row is None:
        return None
    values = dict(row)
    bounces = values.pop("bounces")
    return Taken(Delivery(**values), bounces)


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
        "WHERE id = $1 AND status IN ('pending', 'sending') RETURNING version",
        delivery_id,
        error,
    )


async def suppress(connection: Connection, delivery_id: UUID, *, error: str) -> int | None:
    """It is not sent, and nobody tries; gives the aggregate version, None when it had ended."""
    return await connection.fetchval(_SUPPRESS, delivery_id, error)


async def withdraw(connection: Connection, customer_id: UUID, refused: Collection[Refused]) -> None:
    """What waits for the morning or for a digest is not sent where the customer refuses it now."""
    pairs = [
        (template.value, one.channel.value)
        for one in refused
        for template, about in ABOUT.items()
        if about.topic is one.topic
    ]
    await connection.execute(
        _WITHDRAW, customer_id, [template for template, _ in pairs], [channel for _, channel in pairs]
    )


def _queued(row: Any) -> Queued:
    return Queued(row["id"], row["traceparent"])


WORK = WorkTable(
    "deliveries",
    key="id",
    is_open="status IN ('pending', 'sending', 'held') AND channel <> 'webhook'",
    columns="id, traceparent",
    read=_queued,
)
"""Deliveries that want a job, once they are due."""
