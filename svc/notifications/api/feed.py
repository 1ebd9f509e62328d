"""The in-app feed: a customer's own messages, and which of them were read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from shared.database import Database
from shared.identity import Principal
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from svc.notifications import handlers
from svc.notifications.letters import Writer
from svc.notifications.store import feed

ORDER = "created_at desc, id desc"


class Notification(msgspec.Struct, frozen=True):
    """One message; `read_at` is null until it was read."""

    id: UUID
    template: str
    title: str
    text: str
    order_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class Unread(msgspec.Struct, frozen=True):
    """How many messages were not read; counted no further than to a hundred."""

    unread: int


class ReadUpTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest message that the reader has seen."""

    up_to: UUID


class MarkedRead(msgspec.Struct, frozen=True):
    marked: int


class FeedController(Controller):
    path = "/api/v1/notifications"
    tags = ("notifications",)

    @get("/")
    async def list_notifications(
        self,
        database: NamedDependency[Database],
        writer: NamedDependency[Writer],
        principal: NamedDependency[Principal],
        unread: FromQuery[bool] = False,
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[Notification]:
        """The caller's messages, newest first; `unread` leaves out those that were read."""
        size = page_size(limit)
        before = decode_cursor(cursor, ORDER, tuple[datetime, UUID]) if cursor else None
        async with database.acquire() as connection:
            rows = await feed.newest(
                connection, principal.person_id, before=before, unread_only=unread, rows_max=size + 1
            )
        items = [_notification(row, writer) for row in rows]
        return make_page(items, size, order=ORDER, key=lambda item: (item.created_at, item.id))

    @get("/unread-count")
    async def count_unread(self, database: NamedDependency[Database], principal: NamedDependency[Principal]) -> Unread:
        """For the bell in the corner."""
        async with database.acquire() as connection:
            return Unread(await feed.unread(connection, principal.person_id))

    @post("/read", status_code=200)
    async def mark_up_to(
        self,
        data: JSONBody[ReadUpTo],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> MarkedRead:
        """The message named and all older ones were read; what came since the reader looked stays unread."""
        async with database.begin() as uow:
            return MarkedRead(await handlers.mark_up_to(uow, principal.person_id, data.up_to))

    @put("/{notification_id:uuid}/read", status_code=204)
    async def mark_read(
        self,
        notification_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> None:
        """The message was read; the first time counts."""
        async with database.begin() as uow:
            await handlers.mark(uow, principal.person_id, notification_id, read=True)

    @delete("/{notification_id:uuid}/read", status_code=204)
    async def mark_unread(
        self,
        notification_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> None:
        """The message counts as new again."""
        async with database.begin() as uow:
            await handlers.mark(uow, principal.person_id, notification_id, read=False)


def _notification(item: feed.FeedItem, writer: Writer) -> Notification:
    short = writer.short(item.delivery)
    return Notification(
        id=item.delivery.id,
        template=item.delivery.template,
        title=short.title,
        text=short.text,
        order_id=item.delivery.order_id,
        created_at=item.created_at,
        read_at=item.read_at,
    )
