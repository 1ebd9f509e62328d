"""The event store, the projections, and the statements on them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from shared.contracts import Envelope
from shared.unit_of_work import Connection
from svc.analytics.domain import DayDelta, Fold, StoredEvent

PROJECTOR_LOCK = 7_261_101

_APPEND = """
    INSERT INTO events (id, type, aggregate_id, aggregate_version, occurred_at, data)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
_UNPROJECTED = """
    SELECT position, type, occurred_at, data FROM events WHERE NOT projected ORDER BY position LIMIT $1
"""
_UPSERT_ORDERS = """
    INSERT INTO order_facts AS fact (order_id, rank, total_minor, currency, paid_minor, refunded_minor, placed_at)
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
                         $7::timestamptz[])
    ON CONFLICT (order_id) DO UPDATE SET
        rank = GREATEST(fact.rank, excluded.rank),
        total_minor = COALESCE(excluded.total_minor, fact.total_minor),
        currency = COALESCE(excluded.currency, fact.currency),
        paid_minor = fact.paid_minor + excluded.paid_minor,
        refunded_minor = fact.refunded_minor + excluded.refunded_minor,
        placed_at = COALESCE(excluded.placed_at, fact.placed_at)
"""
_UPSERT_DAYS = """
    INSERT INTO revenue_daily AS day (day, currency, orders, paid_minor, refunded_minor)
    SELECT * FROM unnest($1::date[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    ON CONFLICT (day, currency) DO UPDATE SET
        orders = day.orders + excluded.orders,
        paid_minor = day.paid_minor + excluded.paid_minor,
        refunded_minor = day.refunded_minor + excluded.refunded_minor
"""


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
    """Keep the event for ever; a second time changes nothing."""
    await connection.execute(
        _APPEND,
        envelope.id,
        envelope.type,
        envelope.aggregate_id,
        envelope.aggregate_version,
        envelope.occurred_at,
        msgspec.to_builtins(envelope.data),
    )


async def lock_projector(connection: Connection) -> bool:
    """Be the only projector until the transaction ends; False when another one is."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", PROJECTOR_LOCK))


async def unprojected(connection: Connection, *, rows_max: int) -> list[StoredEvent]:
    """Events that no projection holds yet, whatever position they have: a lower one may commit later."""
    return [StoredEvent(*row) for row in await connection.fetch(_UNPROJECTED, rows_max)]


async def apply(connection: Connection, folded: Fold, *, positions: list[int]) -> None:
    """Add a fold to the projections and mark its events as held."""
    orders = list(folded.orders.values())
    if orders:
        await connection.execute(
            _UPSERT_ORDERS,
            [order.order_id for order in orders],
            [order.rank for order in orders],
            [order.total_minor for order in orders],
            [order.currency for order in orders],
            [order.paid_minor for order in orders],
            [order.refunded_minor for order in orders],
            [order.placed_at for order in orders],
        )
    if folded.days:
        await connection.execute(_UPSERT_DAYS, *_columns(folded.days))
    await connection.execute("UPDATE events SET projected = true WHERE position = ANY($1::bigint[])", positions)


async def forget_projections(connection: Connection) -> None:
    """Empty the projections and hold none of the events; the projector folds them in again."""
    await connection.execute("TRUNCATE order_facts, revenue_daily")
    await connection.execute("UPDATE events SET projected = false WHERE projected")


async def revenue(connection: Connection, *, since: date, until: date) -> list[RevenueDay]:
    """Revenue per day and currency, both days included."""
    rows = await connection.fetch(
        "SELECT day, currency, orders, paid_minor, refunded_minor FROM revenue_daily "
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
        "SELECT (SELECT max(occurred_at) FROM events) AS newest, (SELECT count(*) FROM events WHERE NOT projected) AS n"
    )
    assert row is not None
    return row["newest"], row["n"]


def _columns(days: Mapping[tuple[date, str], DayDelta]) -> tuple[list[Any], ...]:
    ordered = sorted(days.items())
    return (
        [day for (day, _), _ in ordered],
        [currency for (_, currency), _ in ordered],
        [delta.orders for _, delta in ordered],
        [delta.paid_minor for _, delta in ordered],
        [delta.refunded_minor for _, delta in ordered],
    )
