"""Addresses from which mails came back, for staff."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from shared.database import Database
from shared.identity import requires_role
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from svc.notifications import handlers
from svc.notifications.store import bounces

ORDER = "bounces.id desc"


class BouncesController(Controller):
    path = "/api/v1/notifications/bounces"
    tags = ("bounces",)
    guards = (requires_role("support", "admin"),)

    @get("/")
    async def list_bounces(
        self,
        database: NamedDependency[Database],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[bounces.Bounce]:
        """Addresses to which no mail is sent any more, newest first."""
        size = page_size(limit)
        before = decode_cursor(cursor, ORDER, tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await bounces.newest(connection, before=before, rows_max=size + 1)
        return make_page(rows, size, order=ORDER, key=lambda row: (row.id,))

    @delete("/{bounce_id:uuid}", status_code=204)
    async def forget(self, bounce_id: FromPath[UUID], database: NamedDependency[Database]) -> None:
        """Try mails to this address again from now on."""
        async with database.begin() as uow:
            await handlers.forget(uow, bounce_id)
