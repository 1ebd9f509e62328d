"""Payment methods of customers over HTTP: tokens only, shown by brand and last digits."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.card_data import refuse_card_data, refuse_card_token
from shared.database import Database
from shared.identity import Principal
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import matching
from svc.payments.clients import Psp
from svc.payments.handlers import methods as keeping
from svc.payments.store import methods
from svc.payments.store.methods import Method

Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]
CardToken = Annotated[str, matching(r"tok_[a-z0-9_]{1,60}", 64)]


class PaymentMethodCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token` is what the PSP's own form gave the browser for a card."""

    token: CardToken


class PaymentMethodView(msgspec.Struct, frozen=True, kw_only=True):
    """`payment_method` names it in an order; `tok_default` there names the default."""

    id: UUID
    payment_method: str
    brand: str
    last4: str
    is_default: bool
    created_at: datetime


class PaymentMethodController(Controller):
    path = "/api/v1/payment-methods"
    tags = ("payments",)
    before_request = refuse_card_data

    @get("/")
    async def list_methods(
        self,
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: PageLimit = None,
    ) -> Page[PaymentMethodView]:
        """One's own methods, oldest first."""
        size = page_size(limit)
        after = decode_cursor(cursor, "payment_methods", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await methods.page(connection, principal.person_id, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="payment_methods", key=lambda row: (row.id,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @post("/")
    async def keep(
        self,
        data: JSONBody[PaymentMethodCreate],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        psp: NamedDependency[Psp],
    ) -> PaymentMethodView:
        """Keep a card by its token; the same token again gives the same method."""
        customer_id = principal.person_id
        refuse_card_token(data.token)
        card = await keeping.look_up(psp, data.token)
        async with database.begin() as uow:
            return _view(await keeping.keep(uow, customer_id, card))

    @put("/{method_id:uuid}/default", status_code=204)
    async def choose(
        self, method_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> None:
        """Make it the default."""
        async with database.begin() as uow:
            await keeping.choose(uow, principal.person_id, method_id)

    @delete("/{method_id:uuid}")
    async def forget(
        self, method_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> None:
        """Keep it no longer."""
        async with database.begin() as uow:
            await keeping.forget(uow, principal.person_id, method_id)


def _view(method: Method) -> PaymentMethodView:
    return PaymentMethodView(
        id=method.id,
        payment_method=keeping.name_of(method.id),
        brand=method.brand,
        last4=method.last4,
        is_default=method.is_default,
        created_at=method.created_at,
    )
