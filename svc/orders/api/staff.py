"""For the shop's people: notes on orders, and sagas that do not come to an end by themselves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import CURSOR_LENGTH_MAX, Page, decode_cursor, make_page, page_size
from shared.validated import line
from svc.orders.api.access import STAFF, check_visible
from svc.orders.handlers.notes import write_note
from svc.orders.handlers.resuming import resume_saga
from svc.orders.store import history, sagas
from svc.orders.store.history import Note
from svc.orders.store.sagas import SagaView

NOTES = "order-notes:id"
SAGAS = "stuck-sagas:started_at,order_id"

Cursor = Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)]
Limit = Annotated[int | None, QueryParameter(required=False)]


class NoteCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: Annotated[str, line(500)]


class NoteView(msgspec.Struct, frozen=True):
    """`actor` is `staff:` and who wrote it, or the service that noted something."""

    at: datetime
    actor: str
    note: str


class StaffController(Controller):
    path = "/api/v1/orders"
    tags = ("staff",)
    guards = (requires_role(*STAFF),)
    before_request = refuse_card_data

    @post("/{order_id:uuid}/notes")
    async def add_note(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        data: JSONBody[NoteCreate],
        database: NamedDependency[Database],
    ) -> NoteView:
        """Write something down about an order; customers never see it, and nobody changes it later."""
        async with database.begin() as uow:
            return _view(await write_note(uow, order_id, author=principal.subject, text=data.note))

    @get("/{order_id:uuid}/notes")
    async def list_notes(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> Page[NoteView]:
        """What people and services wrote down about an order, oldest first."""
        size = page_size(limit)
        (after,) = decode_cursor(cursor, NOTES, tuple[int]) if cursor else (0,)
        async with database.acquire() as connection:
            await check_visible(connection, order_id, principal)
            rows = await history.notes_page(connection, order_id, after=after, rows_max=size + 1)
        page = make_page(rows, size, order=NOTES, key=lambda row: (row.id,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @get("/sagas")
    async def stuck_sagas(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: Limit = None
    ) -> Page[SagaView]:
        """Sagas past the deadline of their step, and those that failed; oldest first."""
        size = page_size(limit)
        after = decode_cursor(cursor, SAGAS, tuple[datetime, UUID]) if cursor else sagas.BEFORE_ALL
        async with database.acquire() as connection:
            rows = await sagas.stuck(connection, after=after, rows_max=size + 1)
        return make_page(rows, size, order=SAGAS, key=lambda row: (row.started_at, row.order_id))

    @post("/sagas/{order_id:uuid}/resume", status_code=200)
    async def resume(
        self, principal: NamedDependency[Principal], order_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> SagaView:
        """Let a saga be looked at right away; one that failed gets another minute. Repeating it changes nothing."""
        async with database.begin() as uow:
            return await resume_saga(uow, order_id, who=f"staff:{principal.subject}")


def _view(note: Note) -> NoteView:
    return NoteView(note.at, note.actor, note.note)
