"""The table of annulled payments: one row for a payment, which a trigger keeps as it was written."""

from uuid import UUID

from shared.unit_of_work import Connection

_APPLIED = "SELECT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2 AND type = $3)"


async def applied(connection: Connection, consumer: str, event_id: UUID, *, event_type: str) -> bool:
    """Whether the consumer took the event for one of that type."""
    return await connection.fetchval(_APPLIED, consumer, event_id, event_type)


async def insert(connection: Connection, payment_id: UUID, *, event_id: UUID, decided_by: str) -> bool:
    """Annul the payment; False when it was annulled before."""
    fresh = await connection.fetchval(
        "INSERT INTO annulments (payment_id, event_id, decided_by) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING RETURNING true",
        payment_id,
        event_id,
        decided_by,
    )
    return fresh is not None
