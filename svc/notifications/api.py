"""The in-app feed: a customer's own messages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from shared.database import Database
from shared.identity import Principal
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from svc.notifications import store

ORDER = "created_at desc, id desc"


class Notification(msgspec.Struct, frozen=True):
    id: UUID
    template: str
    order_id: UUID | None
    status: str
    created_at: datetime


class NotificationsController(Controller):
    path = "/api/v1/notifications"
    tags = ["notifications"]

    @get("/")
    async def list_notifications(
        self,
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[Notification]:
        """The caller's messages, newest first."""
        size = page_size(limit)
        before = decode_cursor(cursor, ORDER, tuple[datetime, UUID]) if cursor else None
        async with database.acquire() as connection:
            rows = await store.feed(connection, principal.person_id, before=before, rows_max=size + 1)
        items = [Notification(row.id, row.template, row.order_id, row.status, row.created_at) for row in rows]
        return make_page(items, size, order=ORDER, key=lambda item: (item.created_at, item.id))


ROUTES: tuple[Any, ...] = (NotificationsController,)
