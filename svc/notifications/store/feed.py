"""A customer's feed: the messages of the channel that is the shop itself, and which of them were read."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.notifications.store.deliveries import COLUMNS, Delivery

UNREAD_COUNTED_MAX = 100
_LIST = f"""
    SELECT {COLUMNS}, created_at, read_at
    FROM deliveries
    WHERE customer_id = $1 AND channel = 'in_app' AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
        AND (NOT $4 OR read_at IS NULL)
    ORDER BY created_at DESC, id DESC LIMIT $5
"""  # noqa: S608 constants
_COUNT = """
    SELECT count(*) FROM (
        SELECT FROM deliveries WHERE customer_id = $1 AND channel = 'in_app' AND read_at IS NULL LIMIT $2
    ) AS unread
"""
_MARK = """
    UPDATE deliveries SET read_at = CASE WHEN $3 THEN coalesce(read_at, clock_timestamp()) END
    WHERE id = $1 AND customer_id = $2 AND channel = 'in_app' RETURNING true
"""
_MARK_UP_TO = """
    UPDATE deliveries d SET read_at = clock_timestamp()
    FROM deliveries newest
    WHERE newest.id = $1 AND newest.customer_id = $2 AND newest.channel = 'in_app'
        AND d.customer_id = $2 AND d.channel = 'in_app' AND d.read_at IS NULL
        AND (d.created_at, d.id) <= (newest.created_at, newest.id)
    RETURNING d.id
"""


class FeedItem(msgspec.Struct, frozen=True):
    """One message of the feed."""

    delivery: Delivery
    created_at: datetime
    read_at: datetime | None


async def newest(
    connection: Connection,
    customer_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    unread_only: bool,
    rows_max: int,
) -> list[FeedItem]:
    """A customer's messages, newest first, after a place in the list."""
    at, delivery_id = before or (None, None)
    rows = await connection.fetch(_LIST, customer_id, at, delivery_id, unread_only, rows_max)
    return [_item(dict(row)) for row in rows]


async def unread(connection: Connection, customer_id: UUID) -> int:
    """How many messages were not read, counted up to `UNREAD_COUNTED_MAX`."""
    return await connection.fetchval(_COUNT, customer_id, UNREAD_COUNTED_MAX)


async def mark(connection: Connection, customer_id: UUID, delivery_id: UUID, *, read: bool) -> bool:
    """Note that the message was read, the first time; or that it was not. False when it is not in the feed."""
    return bool(await connection.fetchval(_MARK, delivery_id, customer_id, read))


async def mark_up_to(connection: Connection, customer_id: UUID, newest_id: UUID) -> int:
    """Note that this message and all older ones were read; gives how many had not been."""
    return len(await connection.fetch(_MARK_UP_TO, newest_id, customer_id))


async def has(connection: Connection, customer_id: UUID, delivery_id: UUID) -> bool:
    """Whether the message is in the customer's feed."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM deliveries WHERE id = $1 AND customer_id = $2 AND channel = 'in_app')",
        delivery_id,
        customer_id,
    )


def _item(row: dict[str, object]) -> FeedItem:
    created_at, read_at = row.pop("created_at"), row.pop("read_at")
    return msgspec.convert({"delivery": row, "created_at": created_at, "read_at": read_at}, FeedItem)
