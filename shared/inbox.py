"""Each event is applied once per consumer: an inbox row in the same transaction as its effect."""

from collections.abc import Sequence
from uuid import UUID

from shared.contracts import EnvelopeHeader
from shared.unit_of_work import Connection

_CLAIM = """
    INSERT INTO inbox (consumer, event_id, type, aggregate_id, aggregate_version)
    SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING event_id
"""


async def claim(connection: Connection, consumer: str, events: Sequence[EnvelopeHeader]) -> set[UUID]:
    """Mark the events as applied; returns the ids that were not so before. The caller applies just those."""
    rows = await connection.fetch(
        _CLAIM,
        consumer,
        [event.id for event in events],
        [event.type for event in events],
        [event.aggregate_id for event in events],
        [event.aggregate_version for event in events],
    )
    return {row["event_id"] for row in rows}
