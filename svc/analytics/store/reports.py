"""What reports read: the figures in use, and how fresh they are."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.analytics.domain.figures import STAGE, STAGES
from svc.analytics.store.events import bounds

_FRESHNESS = """
    SELECT (SELECT counted_at FROM generations) AS as_of, count(*) AS behind, min(since) AS waiting_since
    FROM unprojected WHERE refused IS NULL
"""
_REVENUE = """
    SELECT day, currency, orders, paid_minor, refunded_minor, late_events FROM revenue_shown
    WHERE day BETWEEN $1 AND $2 ORDER BY day, currency
"""
_ORDERS = "SELECT status, currency, orders, total_minor FROM order_counts WHERE currency IS NOT NULL ORDER BY 1, 2"
_FUNNEL = f"""
    SELECT {", ".join(f"count(*) FILTER (WHERE reached & {STAGE[stage]} > 0)" for stage in STAGES)}
    FROM journeys_shown WHERE began_at >= $1 AND began_at < $2
"""  # noqa: S608 constants
_REFUNDS = """
    SELECT currency, reason, sum(refunds)::bigint, sum(refunded_minor)::bigint, sum(failed)::bigint
    FROM refunds_shown WHERE day BETWEEN $1 AND $2
    GROUP BY currency, reason ORDER BY currency, sum(refunded_minor) DESC, reason LIMIT $3
"""
_TOP = """
    SELECT sku, min(product_id::text)::uuid, min(title), min(category), sum(orders)::bigint AS orders,
           sum(units)::bigint AS units, sum(revenue_minor)::bigint AS revenue_minor
    FROM products_shown WHERE currency = $1 AND day BETWEEN $2 AND $3
    GROUP BY sku ORDER BY {by} DESC, sku LIMIT $4
"""
_STOCK = """
    SELECT sku, COALESCE(sum(received - sold + returned) FILTER (WHERE day < $1::date), 0)::bigint AS opening,
           COALESCE(sum((received - sold + returned) * ($2::date - day + 1)) FILTER (WHERE day >= $1), 0)::bigint
               AS weighted,
           COALESCE(sum(sold - returned) FILTER (WHERE day >= $1), 0)::bigint AS sold,
           sum(received - sold + returned)::bigint AS closing
    FROM stock_shown WHERE day <= $2 AND sku > $3 GROUP BY sku ORDER BY sku LIMIT $4
"""
_COHORTS = """
    WITH cohorts AS (
        SELECT customer_id, min(month) AS cohort FROM customers_shown WHERE orders > 0 GROUP BY customer_id
    )
    SELECT cohort, month, currency, count(DISTINCT customer_id) FILTER (WHERE orders > 0) AS customers,
           sum(orders)::bigint AS orders, sum(paid_minor)::bigint AS paid_minor
    FROM cohorts JOIN customers_shown USING (customer_id)
    WHERE cohort BETWEEN $1 AND $2 AND month <= $2
    GROUP BY GROUPING SETS ((cohort, month), (cohort, month, currency))
    ORDER BY cohort, month, currency NULLS FIRST
"""
_LIVE = f"""
    SELECT type, currency, {
    ", ".join(
        f"COALESCE(sum({what}) FILTER (WHERE minute > date_trunc('minute', $1::timestamptz) - {span}), 0)::bigint"
        for span in ("interval '5 minutes'", "interval '1 hour'", "interval '1 day'")
        for what in ("events", "amount_minor")
    )
}
    FROM activity_shown WHERE minute <= $1 GROUP BY type, currency ORDER BY type, currency
"""  # noqa: S608 constants


class Freshness(msgspec.Struct, frozen=True):
    """The newest event counted, how many wait to be, and since when the first of these does."""

    as_of: datetime | None
    behind: int
    waiting_since: datetime | None


class RevenueDay(msgspec.Struct, frozen=True):
    day: date
    currency: str
    orders: int
    paid_minor: int
    refunded_minor: int
    late_events: int


class OrderCount(msgspec.Struct, frozen=True):
    status: str
    currency: str
    orders: int
    total_minor: int


class RefundReason(msgspec.Struct, frozen=True):
    currency: str
    reason: str
    refunds: int
    refunded_minor: int
    failed: int


class ProductSales(msgspec.Struct, frozen=True):
    sku: str
    product_id: UUID
    title: str
    category: str
    orders: int
    units: int
    revenue_minor: int


class StockMoved(msgspec.Struct, frozen=True):
    """A SKU's units in all warehouses; `weighted` as `domain.ratios` explains."""

    sku: str
    opening: int
    weighted: int
    sold: int
    closing: int


class CohortMonth(msgspec.Struct, frozen=True):
    """What customers of one cohort did in a month: all of them, or in one currency."""

    cohort: date
    month: date
    currency: str | None
    customers: int
    orders: int
    paid_minor: int


class LiveCount(msgspec.Struct, frozen=True):
    """Events and their money within the last minutes, hour and day."""

    type: str
    currency: str
    minutes_events: int
    minutes_minor: int
    hour_events: int
    hour_minor: int
    day_events: int
    day_minor: int


async def freshness(connection: Connection) -> Freshness:
    """How up to date every figure is."""
    row = await connection.fetchrow(_FRESHNESS)
    assert row is not None
    return Freshness(*row)


async def revenue(connection: Connection, *, since: date, until: date) -> list[RevenueDay]:
    """Revenue per day and currency, both days included."""
    return [RevenueDay(*row) for row in await connection.fetch(_REVENUE, since, until)]


async def order_counts(connection: Connection) -> list[OrderCount]:
    """Orders and their totals per status and currency."""
    return [OrderCount(*row) for row in await connection.fetch(_ORDERS)]


async def funnel(connection: Connection, *, since: date, until: date) -> dict[str, int]:
    """Of the checkouts that began in the period, how many reached each of STAGES."""
    row = await connection.fetchrow(_FUNNEL, bounds(since)[0], bounds(until)[1])
    assert row is not None
    return dict(zip(STAGES, row, strict=True))


async def refunds(connection: Connection, *, since: date, until: date, rows_max: int) -> list[RefundReason]:
    """Refunds per currency and reason, the costliest first."""
    return [RefundReason(*row) for row in await connection.fetch(_REFUNDS, since, until, rows_max)]


async def top_products(
    connection: Connection, *, currency: str, since: date, until: date, by_units: bool, rows_max: int
) -> list[ProductSales]:
    """What sold best in a currency, by units or by revenue."""
    statement = _TOP.format(by="units" if by_units else "revenue_minor")
    return [ProductSales(*row) for row in await connection.fetch(statement, currency, since, until, rows_max)]


async def stock_moved(
    connection: Connection, *, since: date, until: date, after: str, rows_max: int
) -> list[StockMoved]:
    """SKUs from the one after `after` on, with what moved up to the last day of the period."""
    return [StockMoved(*row) for row in await connection.fetch(_STOCK, since, until, after, rows_max)]


async def cohorts(connection: Connection, *, since: date, until: date) -> list[CohortMonth]:
    """What customers did, by the month of their first order; both months included. All currencies come first."""
    return [CohortMonth(*row) for row in await connection.fetch(_COHORTS, since, until)]


async def live(connection: Connection, *, now: datetime) -> list[LiveCount]:
    """Events by type and currency up to now."""
    return [LiveCount(*row) for row in await connection.fetch(_LIVE, now)]
