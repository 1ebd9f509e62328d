"""Orders as CSV, a page at a time while they are read; no text in it is a formula to a spreadsheet."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from shared.csv_lines import MEDIA_TYPE, Cell, csv_line
from shared.database import Database
from shared.errors import Refusal
from shared.identity import Principal
from shared.money import Money
from shared.validated import bounded_day
from svc.orders.api.access import STAFF
from svc.orders.store import orders
from svc.orders.store.orders import StoredOrder

DAYS_MAX = 366
ROWS_AT_ONCE = 500
BEFORE_ALL = UUID(int=0)
HEADINGS = (
    "number", "placed_at", "status", "name", "email", "country", "currency", "subtotal", "discount", "tax", "shipping",
    "total", "refunded", "shipping_method", "coupon", "id",
)  # fmt: skip
EXPORTED = {
    200: ResponseSpec(
        str, description="The orders, while they are read", media_type="text/csv", generate_examples=False
    )
}


class InvalidPeriod(Refusal):
    """The period ends before it begins, or is longer than DAYS_MAX."""

    code = "invalid_period"


class ExportController(Controller):
    path = "/api/v1/orders"
    tags = ("orders",)

    @get("/export", responses=EXPORTED)
    async def export(
        self,
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        since: Annotated[date, QueryParameter()],
        until: Annotated[date, QueryParameter()],
    ) -> Stream:
        """The orders placed from `since` up to and on `until` (days in UTC), oldest first: one's own, for staff all."""
        first, last = bounded_day(since, "since"), bounded_day(until, "until")
        assert first is not None, "it is not optional"
        assert last is not None, "it is not optional"
        if not timedelta() <= last - first < timedelta(days=DAYS_MAX):
            raise InvalidPeriod(f"until comes after since, at most {DAYS_MAX} days together", days_max=DAYS_MAX)
        written = _written(database, principal.sees_of(*STAFF), since=_midnight(first), until=_midnight(last, days=1))
        headers = {"Content-Disposition": f'attachment; filename="orders-{first}-{last}.csv"'}
        return Stream(written, media_type=MEDIA_TYPE, headers=headers)


async def _written(
    database: Database, customer_id: UUID | None, *, since: datetime, until: datetime
) -> AsyncGenerator[bytes]:
    """No connection is held while the reader takes its time. An export that breaks off is cut, never ended."""
    yield csv_line(HEADINGS)
    after = (since, BEFORE_ALL)
    while True:
        async with database.acquire() as connection:
            rows = await orders.placed_between(connection, customer_id, after=after, until=until, rows_max=ROWS_AT_ONCE)
        if rows:
            yield b"".join(csv_line(_cells(row)) for row in rows)
            after = (rows[-1].placed_at, rows[-1].id)
        if len(rows) < ROWS_AT_ONCE:
            return


def _cells(order: StoredOrder) -> tuple[Cell, ...]:
    def amount(amount_minor: int) -> Decimal:
        return Decimal(Money(amount_minor, order.currency).decimal_string)

    return (
        order.number,
        order.placed_at.astimezone(UTC).isoformat(),
        order.status.value,
        order.shipping_address.name,
        order.email,
        order.shipping_address.country,
        order.currency,
        amount(order.subtotal_minor),
        amount(order.discount_minor),
        amount(order.tax_minor),
        amount(order.shipping_minor),
        amount(order.total_minor),
        amount(order.facts.refunded_minor),
        order.shipping_method,
        order.coupon,
        str(order.id),
    )


def _midnight(day: date, *, days: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=days), time(), UTC)
