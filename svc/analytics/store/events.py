"""The event store: one row per event, never changed, and which of them the figures do not hold yet."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import msgspec

from shared.contracts import Envelope, EnvelopeHeader
from shared.contracts.values import ERASED, ERASED_EMAIL
from shared.unit_of_work import Connection

_APPEND = """
    WITH kept AS (
        INSERT INTO events (id, type, version, aggregate_id, aggregate_version, occurred_at, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        RETURNING position, occurred_at
    )
    INSERT INTO unprojected (position, occurred_at) SELECT position, occurred_at FROM kept
"""
_COLUMNS = "position, received_at, id, type, version, aggregate_id, aggregate_version, occurred_at, data::text"
_WAITING = "SELECT position, occurred_at FROM unprojected WHERE refused IS NULL ORDER BY position LIMIT $1"
_THESE = f"""
    SELECT {_COLUMNS} FROM events
    WHERE occurred_at BETWEEN $2 AND $3 AND position = ANY($1::bigint[]) ORDER BY position
"""  # noqa: S608 constants
"""The bounds leave out the partitions of other days."""
_PROJECTED_AFTER = f"""
    SELECT {_COLUMNS} FROM events
    WHERE position > $1 AND NOT EXISTS (SELECT FROM unprojected WHERE unprojected.position = events.position)
    ORDER BY position LIMIT $2
"""  # noqa: S608 constants
_PROJECTED_OF_DAY = f"""
    SELECT {_COLUMNS} FROM events
    WHERE position > $1 AND occurred_at >= $3 AND occurred_at < $4
        AND NOT EXISTS (SELECT FROM unprojected WHERE unprojected.position = events.position)
    ORDER BY position LIMIT $2
"""  # noqa: S608 constants


class StoredEvent(msgspec.Struct, frozen=True):
    """One event of the store, its data not read yet."""

    position: int
    received_at: datetime
    header: EnvelopeHeader

    @property
    def day(self) -> date:
        """The UTC day on which it happened."""
        return self.header.occurred_at.astimezone(UTC).date()

    @property
    def known_at(self) -> datetime:
        """When it happened, or when it was received where its clock was ahead."""
        return min(self.header.occurred_at, self.received_at)


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a UTC day and of the day after it."""
    first = datetime.combine(day, time(), UTC)
    return first, first + timedelta(days=1)


async def append(connection: Connection, envelope: Envelope[Any]) -> None:
    """Keep the event for ever, without the person in it; a second time changes nothing.

    What comes again has the id and the moment it had before; both together are the key.
    """
    await connection.execute(
        _APPEND,
        envelope.id,
        envelope.type,
        envelope.version,
        envelope.aggregate_id,
        envelope.aggregate_version,
        envelope.occurred_at,
        _impersonal(msgspec.to_builtins(envelope.data)),
    )


async def waiting(connection: Connection, *, rows_max: int) -> list[StoredEvent]:
    """Events to be folded in, whatever position they have: a lower one may commit later."""
    places = await connection.fetch(_WAITING, rows_max)
    if not places:
        return []
    moments = [place["occurred_at"] for place in places]
    rows = await connection.fetch(_THESE, [place["position"] for place in places], min(moments), max(moments))
    return [_stored_event(row) for row in rows]


async def projected_after(connection: Connection, position: int, *, rows_max: int) -> list[StoredEvent]:
    """Events that the current figures hold, from the one after `position` on."""
    return [_stored_event(row) for row in await connection.fetch(_PROJECTED_AFTER, position, rows_max)]


async def projected_of_day(connection: Connection, day: date, *, after: int, rows_max: int) -> list[StoredEvent]:
    """The same of one day's partition."""
    rows = await connection.fetch(_PROJECTED_OF_DAY, after, rows_max, *bounds(day))
    return [_stored_event(row) for row in rows]


async def mark_projected(connection: Connection, positions: Sequence[int]) -> None:
    """The current figures hold these events."""
    await connection.execute("DELETE FROM unprojected WHERE position = ANY($1::bigint[])", positions)


async def refuse(connection: Connection, event: StoredEvent, reason: str) -> None:
    """Leave the event out of the figures."""
    await connection.execute(
        "INSERT INTO unprojected (position, occurred_at, refused) VALUES ($1, $2, $3) "
        "ON CONFLICT (position) DO UPDATE SET refused = excluded.refused",
        event.position,
        event.header.occurred_at,
        reason,
    )


async def refused_count(connection: Connection) -> int:
    """How many events the figures leave out."""
    return await connection.fetchval("SELECT count(*) FROM unprojected WHERE refused IS NOT NULL")


async def newest_position(connection: Connection) -> int:
    """The highest position of the store, 0 when it is empty."""
    return await connection.fetchval("SELECT COALESCE(max(position), 0) FROM events")


def _stored_event(row: asyncpg.Record) -> StoredEvent:
    position, received_at, event_id, event_type, version, aggregate_id, aggregate_version, occurred_at, data = row
    return StoredEvent(
        position,
        received_at,
        EnvelopeHeader(
            id=event_id,
            type=event_type,
            version=version,
            aggregate_id=aggregate_id,
            aggregate_version=aggregate_version,
            occurred_at=occurred_at,
            data=msgspec.Raw(data.encode()),
        ),
    )


def _impersonal(data: dict[str, Any]) -> dict[str, Any]:
    """The event without the person: figures need neither a name nor an address, and keep the country."""
    kept = dict(data)
    if "email" in kept:
        kept["email"] = ERASED_EMAIL
    if "name" in kept:
        kept["name"] = ERASED
    if "shipping_address" in kept:
        kept["shipping_address"] = dict.fromkeys(kept["shipping_address"], ERASED) | {
            "country": kept["shipping_address"]["country"]
        }
    return kept
