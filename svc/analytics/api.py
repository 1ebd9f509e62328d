"""Reports for staff."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from shared.database import Database
from shared.errors import Kind, Refusal
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.periodic import Periodic
from shared.unit_of_work import Connection
from shared.validated import bounded_day
from svc.analytics import handlers, store

DAYS_MAX = 366
DAYS_DEFAULT = 30


class InvalidPeriod(Refusal):
    code = "invalid_period"
    kind = Kind.INVALID


class RevenueDay(msgspec.Struct, frozen=True):
    day: date
    orders: int
    paid: MoneyWire
    refunded: MoneyWire


class RevenueReport(msgspec.Struct, frozen=True):
    """`as_of` is the newest event counted or waiting, `events_behind` how many wait to be counted."""

    days: list[RevenueDay]
    as_of: datetime | None
    events_behind: int


class OrderCount(msgspec.Struct, frozen=True):
    status: str
    orders: int
    total: MoneyWire


class OrdersReport(msgspec.Struct, frozen=True):
    statuses: list[OrderCount]
    as_of: datetime | None
    events_behind: int


class ProjectionsView(msgspec.Struct, frozen=True):
    """`building` is the generation of figures that a rebuild fills; it has read the events up to `built_to`.

    `refused` events are in no figures: each surprised, the log says how, and a rebuild tries them again.
    """

    current: int
    building: int | None
    built_to: int
    newest_event: int
    refused: int


class ReportsController(Controller):
    path = "/api/v1/reports"
    tags = ["reports"]
    guards = [requires_role("admin", "support")]

    @get("/revenue")
    async def revenue(
        self,
        database: NamedDependency[Database],
        since: Annotated[date | None, QueryParameter()] = None,
        until: Annotated[date | None, QueryParameter()] = None,
    ) -> RevenueReport:
        """Captured and refunded money per day (UTC) and currency; the last 30 days unless told otherwise."""
        last = bounded_day(until, "until") or datetime.now(UTC).date()
        first = bounded_day(since, "since") or last - timedelta(days=DAYS_DEFAULT - 1)
        if not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
            raise InvalidPeriod(f"a period of 1 to {DAYS_MAX} days")
        async with database.acquire() as connection:
            days = await store.revenue(connection, since=first, until=last)
            as_of, behind = await store.freshness(connection)
        return RevenueReport(
            [
                RevenueDay(
                    day.day, day.orders, _wire(day.paid_minor, day.currency), _wire(day.refunded_minor, day.currency)
                )
                for day in days
            ],
            as_of,
            behind,
        )

    @get("/orders")
    async def orders(self, database: NamedDependency[Database]) -> OrdersReport:
        """How many orders stand where, and what they are worth."""
        async with database.acquire() as connection:
            counts = await store.order_counts(connection)
            as_of, behind = await store.freshness(connection)
        return OrdersReport(
            [OrderCount(count.status, count.orders, _wire(count.total_minor, count.currency)) for count in counts],
            as_of,
            behind,
        )


class InternalController(Controller):
    path = "/internal/projections"
    tags = ["internal"]
    guards = [requires_role("service")]

    @get("/")
    async def generations(self, database: NamedDependency[Database]) -> ProjectionsView:
        """Which figures are shown, and how far a rebuild is."""
        async with database.acquire() as connection:
            return await _projections(connection, await store.generations(connection))

    @post("/rebuild", status_code=202)
    async def rebuild(
        self, database: NamedDependency[Database], project_job: NamedDependency[Periodic]
    ) -> ProjectionsView:
        """Fold the whole event store in anew; the figures in use are shown, and kept up to date, until it is done.

        While a rebuild is open, that one goes on instead.
        """
        async with database.begin() as uow:
            begun = await handlers.request_rebuild(uow)
            view = await _projections(uow.connection, begun)
        project_job.wake()
        return view


async def _projections(connection: Connection, generations: store.Generations) -> ProjectionsView:
    return ProjectionsView(
        generations.current,
        generations.building,
        generations.built_to,
        await store.newest_position(connection),
        await store.refused_count(connection),
    )


def _wire(amount_minor: int, currency: str) -> MoneyWire:
    return Money(amount_minor, currency).to_wire()


ROUTES: tuple[Any, ...] = (ReportsController, InternalController)
