"""Reports of people's own: asked for at once, saved, exported."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from shared.csv_lines import Cell
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from shared.validated import line
from svc.analytics import handlers
from svc.analytics.api.exports import Exports, Format
from svc.analytics.api.reports import Since, Until
from svc.analytics.api.wire import Report, fresh, period
from svc.analytics.domain.definitions import Definition, understood
from svc.analytics.store import querying, reports, saved
from svc.analytics.store.saved import SavedReport

ROWS_MAX = 1_000
LIST = "saved-reports:name"


class ReportAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report over a period; the last 30 days unless told otherwise."""

    report: Definition
    since: date | None = None
    until: date | None = None


class Rows(Report, frozen=True, kw_only=True):
    """Money, quotients and days are texts; `more` rows than these are only exported."""

    columns: list[str]
    rows: list[list[str | int | None]]
    more: bool


class ReportSaved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, line(100)]
    report: Definition


class SavedView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    report: Definition
    made_at: datetime


EXPORTED = {
    200: ResponseSpec(str, description="The rows, while they are read", media_type="text/csv", generate_examples=False)
}


class BuilderController(Controller):
    path = "/api/v1/reports"
    tags = ("report builder",)
    guards = (requires_role("admin", "support"),)

    @post("/query", status_code=200)
    async def ask(self, data: JSONBody[ReportAsked], database: NamedDependency[Database]) -> Rows:
        """The first rows of a report that is not saved."""
        first, last = period(data.since, data.until)
        query = understood(data.report)
        asked = querying.statement(query, since=first, until=last, rows_max=ROWS_MAX + 1)
        async with database.acquire() as connection:
            rows = await querying.rows(connection, query, asked)
            freshness = await reports.freshness(connection)
        return Rows(columns=query.names, rows=_shown(rows[:ROWS_MAX]), more=len(rows) > ROWS_MAX, **fresh(freshness))

    @get("/saved")
    async def saved_reports(
        self,
        database: NamedDependency[Database],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[SavedView]:
        """Saved reports by name."""
        size = page_size(limit)
        (after,) = decode_cursor(cursor, LIST, tuple[str]) if cursor else ("",)
        async with database.acquire() as connection:
            rows = await saved.page(connection, after=after, rows_max=size + 1)
        return make_page([_view(row) for row in rows], size, order=LIST, key=lambda item: (item.name,))

    @post("/saved")
    async def save(
        self, data: JSONBody[ReportSaved], database: NamedDependency[Database], principal: NamedDependency[Principal]
    ) -> SavedView:
        """Save a report for all of the staff."""
        async with database.begin() as uow:
            report = await handlers.save_report(uow, name=data.name, definition=data.report, made_by=principal.subject)
        return _view(report)

    @get("/saved/{report_id:uuid}")
    async def show(self, report_id: FromPath[UUID], database: NamedDependency[Database]) -> SavedView:
        """What a saved report asks for."""
        return _view(await _found(database, report_id))

    @delete("/saved/{report_id:uuid}")
    async def delete(self, report_id: FromPath[UUID], database: NamedDependency[Database]) -> None:
        """Delete a saved report; it is mailed no more."""
        async with database.begin() as uow:
            await handlers.delete_report(uow, report_id)

    @get("/saved/{report_id:uuid}/export", responses=EXPORTED)
    async def export(
        self,
        report_id: FromPath[UUID],
        database: NamedDependency[Database],
        exports: NamedDependency[Exports],
        wanted: Annotated[Format, QueryParameter(name="format")] = "csv",
        since: Since = None,
        until: Until = None,
    ) -> Stream:
        """All rows of a saved report; no text in the CSV is a formula to a spreadsheet."""
        first, last = period(since, until)
        report = await _found(database, report_id)
        return await exports.stream(understood(report.definition), since=first, until=last, wanted=wanted)


async def _found(database: Database, report_id: UUID) -> SavedReport:
    async with database.acquire() as connection:
        return await handlers.saved_report(connection, report_id)


def _shown(rows: list[list[Cell]]) -> list[list[str | int | None]]:
    return [[cell if cell is None or isinstance(cell, int) else str(cell) for cell in row] for row in rows]


def _view(report: SavedReport) -> SavedView:
    return SavedView(report.id, report.name, report.definition, report.made_at)
