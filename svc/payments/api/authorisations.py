"""Authorisations over HTTP, for staff: what is held, and whether it is captured or let go."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.money import Money, MoneyWire
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from svc.payments.domain import AuthorisationStatus, Intent
from svc.payments.handlers import authorising
from svc.payments.store import authorisations
from svc.payments.store.authorisations import Authorisation

Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]
Wake = Callable[[], None]


class AuthorisationView(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: held, capturing, voiding, captured or voided. Nobody's decision lets it go at `expires_at`."""

    payment_id: UUID
    order_id: UUID
    amount: MoneyWire
    status: str
    expires_at: datetime
    created_at: datetime


class AuthorisationController(Controller):
    path = "/api/v1/payments"
    tags = ("payments",)
    before_request = refuse_card_data
    guards = (requires_role("admin", "support"),)

    @get("/authorisations")
    async def list_authorisations(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: PageLimit = None
    ) -> Page[AuthorisationView]:
        """What is held, and what is being captured or let go."""
        size = page_size(limit)
        after = decode_cursor(cursor, "authorisations", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await authorisations.open_page(connection, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="authorisations", key=lambda row: (row.payment_id,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @post("/{payment_id:uuid}/capture", status_code=202)
    async def capture(
        self,
        payment_id: FromPath[UUID],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        wake_settlements: NamedDependency[SkipValidation[Wake]],
    ) -> AuthorisationView:
        """Take all that is held; a job does. Repeating it changes nothing."""
        return await _decide(database, payment_id, Intent.CAPTURE, principal, wake_settlements)

    @post("/{payment_id:uuid}/void", status_code=202)
    async def void(
        self,
        payment_id: FromPath[UUID],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        wake_settlements: NamedDependency[SkipValidation[Wake]],
    ) -> AuthorisationView:
        """Let go of what is held, which ends the order; a job does. Repeating it changes nothing."""
        return await _decide(database, payment_id, Intent.VOID, principal, wake_settlements)


async def _decide(
    database: Database, payment_id: UUID, intent: Intent, principal: Principal, wake: Wake
) -> AuthorisationView:
    async with database.begin() as uow:
        held = await authorising.decide(uow, payment_id, intent, decided_by=principal.subject)
        uow.after_commit(wake)
    return _view(held)


def _view(held: Authorisation) -> AuthorisationView:
    return AuthorisationView(
        payment_id=held.payment_id,
        order_id=held.order_id,
        amount=Money(held.authorised_minor, held.currency).to_wire(),
        status=_shown_status(held),
        expires_at=held.expires_at,
        created_at=held.created_at,
    )


def _shown_status(held: Authorisation) -> str:
    if held.status in {AuthorisationStatus.CAPTURED, AuthorisationStatus.VOIDED}:
        return held.status.value
    if held.decided_at is None and held.status is AuthorisationStatus.PENDING:
        return "held"
    return "capturing" if held.intent is Intent.CAPTURE else "voiding"
