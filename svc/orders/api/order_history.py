"""How an order came to be what it is, and what it cost: its history and its invoice."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from shared.database import Database
from shared.identity import Principal
from shared.pagination import CURSOR_LENGTH_MAX, Page, PageLimit, decode_cursor, make_page, page_size
from svc.orders.api.access import STAFF, check_visible, visible
from svc.orders.invoicing import invoice_of
from svc.orders.settings import Settings
from svc.orders.store import history
from svc.orders.store.history import Move

LIST = "order-history:id"
SHOWN_STATUS = "status"

PAGE = {200: ResponseSpec(str, description="The invoice", media_type="text/html", generate_examples=False)}

Who = Literal["customer", "staff", "shop"]


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`by` says who moved it, `reason` why. Staff also sees which machine moved, and the very actor."""

    at: datetime
    to_status: str
    by: Who
    reason: str
    from_status: str | None = None
    machine: str | None = None
    actor: str | None = None


class HistoryController(Controller):
    path = "/api/v1/orders"
    tags = ("orders",)

    @get("/{order_id:uuid}/history")
    async def show_history(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[HistoryEntry]:
        """What an order went through, oldest first: its status for customers, for staff every machine behind it."""
        size = page_size(limit)
        (after,) = decode_cursor(cursor, LIST, tuple[int]) if cursor else (0,)
        staff = principal.has_role(*STAFF)
        async with database.acquire() as connection:
            await check_visible(connection, order_id, principal)
            rows = await history.moves(
                connection, order_id, machine=None if staff else SHOWN_STATUS, after=after, rows_max=size + 1
            )
        page = make_page(rows, size, order=LIST, key=lambda row: (row.id,))
        return Page([_entry(row, staff=staff) for row in page.items], page.next_cursor)

    @get("/{order_id:uuid}/invoice", responses=PAGE)
    async def show_invoice(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
    ) -> Response[str]:
        """The invoice of a paid order, as a page that stands alone and is ready to be printed.

        A file to keep: what the gateway lets browsers show has no styles.
        """
        async with database.acquire() as connection:
            order = await visible(connection, order_id, principal)
            paid_at = await history.paid_at(connection, order_id)
        disposition = f'attachment; filename="invoice-{order.number}.html"'
        return Response(
            invoice_of(order, paid_at=paid_at, issuer=config.invoice_issuer),
            media_type="text/html",
            headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
        )


def _entry(move: Move, *, staff: bool) -> HistoryEntry:
    return HistoryEntry(
        at=move.at,
        from_status=move.from_state,
        to_status=move.to_state,
        by=_who(move.actor),
        reason=move.reason,
        machine=move.machine if staff else None,
        actor=move.actor if staff else None,
    )


def _who(actor: str) -> Who:
    """An actor is `kind:id`, or the name of a service."""
    kind = actor.partition(":")[0]
    if kind in {"customer", "guest"}:
        return "customer"
    return "staff" if kind in {"staff", "operator"} else "shop"
