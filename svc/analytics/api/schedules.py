"""Reports by mail: each person's own timetable."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from shared.clock import Clock
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from svc.analytics.api.wire import DAYS_MAX
from svc.analytics.domain.schedules import Cadence
from svc.analytics.handlers import scheduling
from svc.analytics.store import schedules
from svc.analytics.store.schedules import Schedule

LIST = "report-schedules:id"
FIRST = UUID(int=0)


class ScheduleCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `hour` (UTC), about the last `days` whole days."""

    report_id: UUID
    cadence: Cadence
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)]
    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)]


class ScheduleView(msgspec.Struct, frozen=True):
    """It is mailed next at `next_at`, and no more from `ends_at` on."""

    id: UUID
    report_id: UUID
    email: str
    cadence: Cadence
    hour: int
    days: int
    next_at: datetime
    ends_at: datetime
    sent: int
    last_error: str | None


class SchedulesController(Controller):
    path = "/api/v1/reports/schedules"
    tags = ("report schedules",)
    guards = (requires_role("admin", "support"),)

    @get("/")
    async def own(
        self,
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[ScheduleView]:
        """What the caller has mailed."""
        size = page_size(limit)
        (after,) = decode_cursor(cursor, LIST, tuple[UUID]) if cursor else (FIRST,)
        async with database.acquire() as connection:
            rows = await schedules.page(connection, principal.person_id, after=after, rows_max=size + 1)
        return make_page([_view(row) for row in rows], size, order=LIST, key=lambda item: (item.id,))

    @post("/")
    async def schedule(
        self,
        data: JSONBody[ScheduleCreate],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        clock: NamedDependency[SkipValidation[Clock]],
    ) -> ScheduleView:
        """Have a saved report mailed to the caller's own address, for the next three months."""
        async with database.begin() as uow:
            made = await scheduling.schedule_report(
                uow,
                data.report_id,
                principal,
                cadence=data.cadence,
                hour=data.hour,
                days=data.days,
                now=clock.now(),
            )
        return _view(made)

    @delete("/{schedule_id:uuid}")
    async def end(
        self,
        schedule_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> None:
        """Mail it no more."""
        async with database.begin() as uow:
            await scheduling.end_schedule(uow, schedule_id, principal.person_id)


def _view(schedule: Schedule) -> ScheduleView:
    return ScheduleView(
        schedule.id,
        schedule.report_id,
        schedule.email,
        schedule.cadence,
        schedule.hour,
        schedule.days,
        schedule.next_at,
        schedule.ends_at,
        schedule.sent,
        schedule.last_error,
    )
