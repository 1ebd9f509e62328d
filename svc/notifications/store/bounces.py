"""Addresses from which mails came back for good."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.ids import new_id
from shared.unit_of_work import Connection
from svc.notifications.store.deliveries import Delivery

_ADD = """
    INSERT INTO bounced_addresses (id, address, customer_id, delivery_id, reason)
    VALUES ($1, lower($2), $3, $4, $5) ON CONFLICT (address) DO NOTHING
"""
_LIST = """
    SELECT id, address, reason, bounced_at FROM bounced_addresses
    WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2
"""


class Bounce(msgspec.Struct, frozen=True):
    """An address to which no mail is sent any more, and what its server said."""

    id: UUID
    address: str
    reason: str
    bounced_at: datetime


async def add(connection: Connection, delivery: Delivery, reason: str) -> None:
    """Note that nobody has the delivery's address; the first reason stays."""
    await connection.execute(_ADD, new_id(), delivery.recipient, delivery.customer_id, delivery.id, reason)


async def newest(connection: Connection, *, before: UUID | None, rows_max: int) -> list[Bounce]:
    """Bounced addresses, newest first, after a place in the list."""
    return [Bounce(*row) for row in await connection.fetch(_LIST, before, rows_max)]


async def remove(connection: Connection, bounce_id: UUID) -> bool:
    """Forget a bounce; False when there is none."""
    return bool(await connection.fetchval("DELETE FROM bounced_addresses WHERE id = $1 RETURNING true", bounce_id))
