"""Disputes over HTTP, for staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from shared.database import Database
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from svc.payments.domain import DisputeStatus
from svc.payments.store import disputes
from svc.payments.store.disputes import Dispute

Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]


class DisputeView(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: opened, won or lost; what is open or lost is not refunded besides."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    amount: MoneyWire
    reason: str
    status: str
    created_at: datetime
    closed_at: datetime | None


class DisputeController(Controller):
    path = "/api/v1/disputes"
    tags = ("payments",)
    guards = (requires_role("admin", "support"),)

    @get("/")
    async def list_disputes(
        self,
        database: NamedDependency[Database],
        status: FromQuery[DisputeStatus | None] = None,
        cursor: Cursor = None,
        limit: PageLimit = None,
    ) -> Page[DisputeView]:
        """Disputes of everyone's payments, or those that stand so."""
        size = page_size(limit)
        after = decode_cursor(cursor, "disputes", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await disputes.page(connection, status=status, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="disputes", key=lambda row: (row.id,))
        return Page([_view(row) for row in page.items], page.next_cursor)


def _view(dispute: Dispute) -> DisputeView:
    return DisputeView(
        id=dispute.id,
        payment_id=dispute.payment_id,
        order_id=dispute.order_id,
        amount=Money(dispute.amount_minor, dispute.currency).to_wire(),
        reason=dispute.reason,
        status=dispute.status.value,
        created_at=dispute.created_at,
        closed_at=dispute.closed_at,
    )
