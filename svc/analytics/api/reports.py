"""Reports for staff: what was sold, paid, given back, left lying, and by whom it was bought."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.money import MoneyWire
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, decode_cursor, encode_cursor, page_size
from svc.analytics.api.wire import Report, fresh, money, period
from svc.analytics.domain.figures import STAGES
from svc.analytics.domain.ratios import average_on_hand, months_between, share_bp, stock_turn
from svc.analytics.store import reports
from svc.analytics.store.reports import CohortMonth, LiveCount, StockMoved

COHORTS_MAX = 24
COHORTS_DEFAULT = 12
REASONS_MAX = 500
STOCK_ORDER = "stock-turn:sku"

Since = Annotated[date | None, QueryParameter()]
Until = Annotated[date | None, QueryParameter()]


class RevenueDay(msgspec.Struct, frozen=True):
    """`late_events` of the day were told an hour or more after they happened."""

    day: date
    orders: int
    paid: MoneyWire
    refunded: MoneyWire
    late_events: int


class RevenueReport(Report, frozen=True, kw_only=True):
    days: list[RevenueDay]


class OrderCount(msgspec.Struct, frozen=True):
    status: str
    orders: int
    total: MoneyWire


class OrdersReport(Report, frozen=True, kw_only=True):
    statuses: list[OrderCount]


class Stage(msgspec.Struct, frozen=True):
    """`share_bp` are basis points of the checkouts that held stock."""

    stage: str
    checkouts: int
    share_bp: int | None


class FunnelReport(Report, frozen=True, kw_only=True):
    stages: list[Stage]


class RefundReason(msgspec.Struct, frozen=True):
    """`failed` refunds will never happen."""

    reason: str
    refunds: int
    refunded: MoneyWire
    failed: int


class RefundsReport(Report, frozen=True, kw_only=True):
    reasons: list[RefundReason]


class ProductSales(msgspec.Struct, frozen=True):
    """Lines of paid orders, before tax, shipping and the order's discounts."""

    sku: str
    product_id: UUID
    title: str
    category: str
    orders: int
    units: int
    revenue: MoneyWire


class ProductsReport(Report, frozen=True, kw_only=True):
    products: list[ProductSales]


class StockTurn(msgspec.Struct, frozen=True):
    """`turn` is units sold (less those that came back) for each that lay there on average; None when none did."""

    sku: str
    sold: int
    on_hand: int
    average_on_hand: Decimal
    turn: Decimal | None


class StockTurnReport(Report, frozen=True, kw_only=True):
    items: list[StockTurn]
    next_cursor: str | None


class CohortActivity(msgspec.Struct, frozen=True):
    """What the cohort did so many months after its first orders."""

    months_later: int
    customers: int
    orders: int
    paid: list[MoneyWire]


class Cohort(msgspec.Struct, frozen=True):
    """The customers whose first order was in this month."""

    month: date
    customers: int
    activity: list[CohortActivity]


class CohortsReport(Report, frozen=True, kw_only=True):
    cohorts: list[Cohort]


class Count(msgspec.Struct, frozen=True):
    events: int
    amount: MoneyWire | None


class LiveCounter(msgspec.Struct, frozen=True):
    """Events of one type, those that move money by currency; `minutes` are the last five."""

    type: str
    minutes: Count
    hour: Count
    day: Count


class LiveReport(Report, frozen=True, kw_only=True):
    now: datetime
    counters: list[LiveCounter]


class ReportsController(Controller):
    path = "/api/v1/reports"
    tags = ("reports",)
    guards = (requires_role("admin", "support"),)

    @get("/revenue")
    async def revenue(
        self, database: NamedDependency[Database], since: Since = None, until: Until = None
    ) -> RevenueReport:
        """Captured and refunded money per day (UTC) and currency; the last 30 days unless told otherwise."""
        first, last = period(since, until)
        async with database.acquire() as connection:
            rows = await reports.revenue(connection, since=first, until=last)
            freshness = await reports.freshness(connection)
        days = [
            RevenueDay(
                row.day,
                row.orders,
                money(row.paid_minor, row.currency),
                money(row.refunded_minor, row.currency),
                row.late_events,
            )
            for row in rows
        ]
        return RevenueReport(days=days, **fresh(freshness))

    @get("/orders")
    async def orders(self, database: NamedDependency[Database]) -> OrdersReport:
        """How many orders stand where, and what they are worth."""
        async with database.acquire() as connection:
            rows = await reports.order_counts(connection)
            freshness = await reports.freshness(connection)
        statuses = [OrderCount(row.status, row.orders, money(row.total_minor, row.currency)) for row in rows]
        return OrdersReport(statuses=statuses, **fresh(freshness))

    @get("/funnel")
    async def funnel(
        self, database: NamedDependency[Database], since: Since = None, until: Until = None
    ) -> FunnelReport:
        """What became of the checkouts that began in the period, from the hold of their goods on."""
        first, last = period(since, until)
        async with database.acquire() as connection:
            reached = await reports.funnel(connection, since=first, until=last)
            freshness = await reports.freshness(connection)
        held = reached[STAGES[0]]
        stages = [Stage(stage, count, share_bp(count, held)) for stage, count in reached.items()]
        return FunnelReport(stages=stages, **fresh(freshness))

    @get("/refunds")
    async def refunds(
        self, database: NamedDependency[Database], since: Since = None, until: Until = None
    ) -> RefundsReport:
        """Money given back per reason and currency, the costliest first."""
        first, last = period(since, until)
        async with database.acquire() as connection:
            rows = await reports.refunds(connection, since=first, until=last, rows_max=REASONS_MAX)
            freshness = await reports.freshness(connection)
        reasons = [
            RefundReason(row.reason, row.refunds, money(row.refunded_minor, row.currency), row.failed) for row in rows
        ]
        return RefundsReport(reasons=reasons, **fresh(freshness))

    @get("/products")
    async def products(
        self,
        database: NamedDependency[Database],
        currency: Annotated[Currency, QueryParameter()],
        since: Since = None,
        until: Until = None,
        by: Annotated[Literal["revenue", "units"], QueryParameter()] = "revenue",
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> ProductsReport:
        """The SKUs that sold best in a currency."""
        first, last = period(since, until)
        async with database.acquire() as connection:
            rows = await reports.top_products(
                connection,
                currency=currency,
                since=first,
                until=last,
                by_units=by == "units",
                rows_max=page_size(limit),
            )
            freshness = await reports.freshness(connection)
        sold = [
            ProductSales(
                row.sku,
                row.product_id,
                row.title,
                row.category,
                row.orders,
                row.units,
                money(row.revenue_minor, currency),
            )
            for row in rows
        ]
        return ProductsReport(products=sold, **fresh(freshness))

    @get("/stock-turn")
    async def stock_turn(
        self,
        database: NamedDependency[Database],
        since: Since = None,
        until: Until = None,
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> StockTurnReport:
        """How often the stock of each SKU turned over in the period, over all warehouses."""
        first, last = period(since, until)
        size = page_size(limit)
        (after,) = decode_cursor(cursor, STOCK_ORDER, tuple[str]) if cursor else ("",)
        async with database.acquire() as connection:
            rows = await reports.stock_moved(connection, since=first, until=last, after=after, rows_max=size + 1)
            freshness = await reports.freshness(connection)
        days = (last - first).days + 1
        return StockTurnReport(
            items=[_turn(row, days=days) for row in rows[:size]],
            next_cursor=encode_cursor(STOCK_ORDER, [rows[size - 1].sku]) if len(rows) > size else None,
            **fresh(freshness),
        )

    @get("/cohorts")
    async def cohorts(
        self,
        database: NamedDependency[Database],
        months: Annotated[int, QueryParameter(ge=1, le=COHORTS_MAX)] = COHORTS_DEFAULT,
    ) -> CohortsReport:
        """Customers by the month of their first order, and what they did in each month since; up to this month."""
        last = datetime.now(UTC).date().replace(day=1)
        ordinal = last.year * 12 + last.month - months
        first = date(ordinal // 12, ordinal % 12 + 1, 1)
        async with database.acquire() as connection:
            rows = await reports.cohorts(connection, since=first, until=last)
            freshness = await reports.freshness(connection)
        found = [_cohort(month, list(of_month)) for month, of_month in groupby(rows, key=lambda row: row.cohort)]
        return CohortsReport(cohorts=found, **fresh(freshness))

    @get("/live")
    async def live(self, database: NamedDependency[Database]) -> LiveReport:
        """What happens now: events of every type in the last minutes, hour and day."""
        now = datetime.now(UTC)
        async with database.acquire() as connection:
            rows = await reports.live(connection, now=now)
            freshness = await reports.freshness(connection)
        return LiveReport(now=now, counters=[_counter(row) for row in rows], **fresh(freshness))


def _turn(moved: StockMoved, *, days: int) -> StockTurn:
    average = average_on_hand(moved.opening, moved.weighted, days=days)
    return StockTurn(moved.sku, moved.sold, moved.closing, average, stock_turn(moved.sold, average))


def _cohort(first: date, rows: list[CohortMonth]) -> Cohort:
    activity: list[CohortActivity] = []
    for row in rows:
        if row.currency is None:
            later = months_between(first, row.month)
            activity.append(CohortActivity(later, row.customers, row.orders, []))
        else:
            activity[-1].paid.append(money(row.paid_minor, row.currency))
    return Cohort(first, activity[0].customers, activity)


def _counter(row: LiveCount) -> LiveCounter:
    def count(events: int, amount_minor: int) -> Count:
        return Count(events, money(amount_minor, row.currency) if row.currency else None)

    return LiveCounter(
        row.type,
        count(row.minutes_events, row.minutes_minor),
        count(row.hour_events, row.hour_minor),
        count(row.day_events, row.day_minor),
    )
