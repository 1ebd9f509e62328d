"""The reports of the daily reconciliation over HTTP, for staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from shared.database import Database
from shared.identity import requires_role
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from svc.payments.domain import NotReconciled
from svc.payments.handlers.reconciliation import Reconciliation
from svc.payments.store import reconciliations
from svc.payments.store.reconciliations import Summary

Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]


class KeptReconciliation(msgspec.Struct, frozen=True):
    at: datetime
    report: Reconciliation


class ReportController(Controller):
    path = "/api/v1/reconciliations"
    tags = ("payments",)
    guards = (requires_role("admin", "support"),)

    @get("/")
    async def list_reports(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: PageLimit = None
    ) -> Page[Summary]:
        """The kept reports, the newest first, each with how much differed."""
        size = page_size(limit)
        before = decode_cursor(cursor, "reconciliations", tuple[datetime])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await reconciliations.page(connection, before=before, rows_max=size + 1)
        return make_page(rows, size, order="reconciliations", key=lambda row: (row.at,))

    @get("/{report_id:uuid}")
    async def show_report(self, report_id: FromPath[UUID], database: NamedDependency[Database]) -> KeptReconciliation:
        """A report with its differences and what would mend them."""
        async with database.acquire() as connection:
            kept = await reconciliations.of_id(connection, report_id)
        if kept is None:
            raise NotReconciled("there is no such report")
        return read(kept)


def read(kept: tuple[datetime, str]) -> KeptReconciliation:
    """A kept report; what older ones did not tell is empty."""
    at, report = kept
    return KeptReconciliation(at, msgspec.json.decode(report, type=Reconciliation))
