"""The event store, the projections, and the statements on them.

Projection rows belong to a generation; reports show the current one, a rebuild fills the next one beside it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from shared.contracts import Envelope, EnvelopeHeader
from shared.contracts.values import ERASED, ERASED_EMAIL
from shared.unit_of_work import Connection
from svc.analytics.domain import DayDelta, Fold, OrderDelta

PROJECTOR_LOCK = 7_261_101

_APPEND = """
    INSERT INTO events (id, type, version, aggregate_id, aggregate_version, occurred_at, data)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_EVENTS = """
    SELECT position, id, type, version, aggregate_id, aggregate_version, occurred_at, data::text FROM events
"""
_UPSERT_ORDERS = """
    INSERT INTO order_facts AS fact
        (generation, order_id, rank, total_minor, currency, paid_minor, refunded_minor, placed_at)
    SELECT $1, * FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[],
                             $8::timestamptz[])
    ON CONFLICT (generation, order_id) DO UPDATE SET
        rank = GREATEST(fact.rank, excluded.rank),
        total_minor = COALESCE(excluded.total_minor, fact.total_minor),
        currency = COALESCE(excluded.currency, fact.currency),
        paid_minor = fact.paid_minor + excluded.paid_minor,
        refunded_minor = fact.refunded_minor + excluded.refunded_minor,
        placed_at = COALESCE(excluded.placed_at, fact.placed_at)
"""
_UPSERT_DAYS = """
    INSERT INTO revenue_daily AS day (generation, day, currency, orders, paid_minor, refunded_minor)
    SELECT $1, * FROM unnest($2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    ON CONFLICT (generation, day, currency) DO UPDATE SET
        orders = day.orders + excluded.orders,
        paid_minor = day.paid_minor + excluded.paid_minor,
        refunded_minor = day.refunded_minor + excluded.refunded_minor
"""
_DELETE_ORDERS_BEFORE = """
    DELETE FROM order_facts WHERE ctid = ANY(ARRAY(SELECT ctid FROM order_facts WHERE generation < $1 LIMIT $2))
"""
_DELETE_DAYS_BEFORE = """
    DELETE FROM revenue_daily WHERE ctid = ANY(ARRAY(SELECT ctid FROM revenue_daily WHERE generation < $1 LIMIT $2))
"""


class StoredEvent(msgspec.Struct, frozen=True):
    """One event of the store, its data not read yet."""

    position: int
    header: EnvelopeHeader


class Generations(msgspec.Struct, frozen=True):
    """Which projection rows reports show, and which are being built.

    `built_to` is the highest position that the rebuild has read; rows older than `oldest` are all deleted.
    """

    current: int
    building: int | None
    built_to: int
    oldest: int


class RevenueDay(msgspec.Struct, frozen=True):
    day: date
    currency: str
    orders: int
    paid_minor: int
    refunded_minor: int


class OrderCount(msgspec.Struct, frozen=True):
    status: str
    currency: str
    orders: int
    total_minor: int


async def append(connection: Connection, envelope: Envelope[Any]) -> None:
    """Keep the event for ever, without the person in it; a second time changes nothing."""
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


async def lock_projector(connection: Connection) -> bool:
    """Be the only projector until the transaction ends; False when another one is."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", PROJECTOR_LOCK))


async def generations(connection: Connection) -> Generations:
    """How the projections stand; whoever projects asks with its lock in hand."""
    row = await connection.fetchrow("SELECT current, building, built_to, oldest FROM generations")
    assert row is not None
    return Generations(*row)


async def waiting(connection: Connection, *, rows_max: int) -> list[StoredEvent]:
    """Events to be folded in, whatever position they have: a lower one may commit later."""
    rows = await connection.fetch(
        f"{_EVENTS} WHERE NOT projected AND refused IS NULL ORDER BY position LIMIT $1", rows_max
    )
    return [_stored_event(row) for row in rows]


async def projected_after(connection: Connection, position: int, *, rows_max: int) -> list[StoredEvent]:
    """Events that the current projections hold, from the one after `position` on."""
    rows = await connection.fetch(
        f"{_EVENTS} WHERE projected AND position > $1 ORDER BY position LIMIT $2", position, rows_max
    )
    return [_stored_event(row) for row in rows]


async def apply(connection: Connection, folded: Fold, *, generation: int) -> None:
    """Add a fold to the projections of one generation."""
    if folded.orders:
        await connection.execute(_UPSERT_ORDERS, generation, *_order_columns(list(folded.orders.values())))
    if folded.days:
        await connection.execute(_UPSERT_DAYS, generation, *_day_columns(folded.days))


async def mark_projected(connection: Connection, positions: list[int]) -> None:
    """The current projections hold these events."""
    await connection.execute("UPDATE events SET projected = true WHERE position = ANY($1::bigint[])", positions)


async def refuse(connection: Connection, position: int, reason: str) -> None:
    """Leave the event at this position out of the projections."""
    await connection.execute("UPDATE events SET refused = $2 WHERE position = $1", position, reason)


async def refused_count(connection: Connection) -> int:
    """How many events the projections leave out."""
    return await connection.fetchval("SELECT count(*) FROM events WHERE refused IS NOT NULL")


async def open_generation(connection: Connection) -> None:
    """Let the next generation be built, from the first event on; one that is being built goes on.

    A new one gives refused events another chance.
    """
    begun = await connection.fetchval(
        "UPDATE generations SET building = current + 1, built_to = 0 WHERE building IS NULL RETURNING true"
    )
    if begun:
        await connection.execute("UPDATE events SET refused = NULL WHERE refused IS NOT NULL")


async def built(connection: Connection, *, to: int) -> None:
    """The next generation holds every projected event up to this position."""
    await connection.execute("UPDATE generations SET built_to = $1", to)


async def put_in_use(connection: Connection, generation: int) -> None:
    """Reports show the generation that was built, from this commit on."""
    await connection.execute("UPDATE generations SET current = $1, building = NULL, built_to = 0", generation)


async def delete_before(connection: Connection, generation: int, *, rows_max: int) -> int:
    """Delete rows of older generations, up to so many of each projection; gives how many."""
    deleted = 0
    for statement in (_DELETE_ORDERS_BEFORE, _DELETE_DAYS_BEFORE):
        deleted += int((await connection.execute(statement, generation, rows_max)).removeprefix("DELETE "))
    return deleted


async def swept(connection: Connection, generation: int) -> None:
    """No row is older than this generation."""
    await connection.execute("UPDATE generations SET oldest = $1", generation)


async def newest_position(connection: Connection) -> int:
    """The highest position of the store, 0 when it is empty."""
    return await connection.fetchval("SELECT COALESCE(max(position), 0) FROM events")


async def revenue(connection: Connection, *, since: date, until: date) -> list[RevenueDay]:
    """Revenue per day and currency, both days included."""
    rows = await connection.fetch(
        "SELECT day, currency, orders, paid_minor, refunded_minor FROM revenue_shown "
        "WHERE day BETWEEN $1 AND $2 ORDER BY day, currency",
        since,
        until,
    )
    return [RevenueDay(*row) for row in rows]


async def order_counts(connection: Connection) -> list[OrderCount]:
    """Orders and their totals per status and currency."""
    rows = await connection.fetch(
        "SELECT status, currency, orders, total_minor FROM order_counts WHERE currency IS NOT NULL ORDER BY 1, 2"
    )
    return [OrderCount(*row) for row in rows]


async def freshness(connection: Connection) -> tuple[datetime | None, int]:
    """When the newest event in the store happened, and how many wait to be folded in."""
    row = await connection.fetchrow(
        "SELECT (SELECT max(occurred_at) FROM events) AS newest, "
        "(SELECT count(*) FROM events WHERE NOT projected AND refused IS NULL) AS n"
    )
    assert row is not None
    return row["newest"], row["n"]


def _stored_event(row: asyncpg.Record) -> StoredEvent:
    position, event_id, event_type, version, aggregate_id, aggregate_version, occurred_at, data = row
    return StoredEvent(
        position,
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


def _order_columns(orders: list[OrderDelta]) -> tuple[list[Any], ...]:
    return (
        [order.order_id for order in orders],
        [order.rank for order in orders],
        [order.total_minor for order in orders],
        [order.currency for order in orders],
        [order.paid_minor for order in orders],
        [order.refunded_minor for order in orders],
        [order.placed_at for order in orders],
    )


def _day_columns(days: Mapping[tuple[date, str], DayDelta]) -> tuple[list[Any], ...]:
    ordered = sorted(days.items())
    return (
        [day for (day, _), _ in ordered],
        [currency for (_, currency), _ in ordered],
        [delta.orders for _, delta in ordered],
        [delta.paid_minor for _, delta in ordered],
        [delta.refunded_minor for _, delta in ordered],
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
