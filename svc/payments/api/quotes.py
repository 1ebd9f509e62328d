"""Quotes for the checkout: rates of the exchange, promised to customers. Internal, orders alone asks."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from shared.card_data import refuse_card_data
from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from svc.payments.clients import Exchange
from svc.payments.handlers import quoting
from svc.payments.settings import Settings
from svc.payments.store.quotes import Quote


class QuoteCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    customer_id: UUID
    from_currency: Currency
    to_currency: Currency


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """Billionths of one unit of `to_currency` for one of `from_currency`."""

    id: UUID
    from_currency: str
    to_currency: str
    rate_nano: int
    expires_at: datetime


class QuoteController(Controller):
    path = "/internal/quotes"
    tags = ("internal",)
    before_request = refuse_card_data
    guards = (requires_role("service"),)

    @post("/")
    async def quote(
        self,
        data: JSONBody[QuoteCreate],
        database: NamedDependency[Database],
        exchange: NamedDependency[Exchange],
        config: NamedDependency[Settings],
    ) -> QuoteView:
        """Promise a customer the rate of now for a while."""
        rate = await quoting.rate_of_now(exchange, from_currency=data.from_currency, to_currency=data.to_currency)
        async with database.begin() as uow:
            quote = await quoting.promise(uow, data.customer_id, rate, ttl_s=config.quote_ttl_s)
        return _view(quote)

    @get("/{quote_id:uuid}")
    async def show(
        self,
        quote_id: FromPath[UUID],
        customer_id: FromQuery[UUID],
        database: NamedDependency[Database],
        ended: FromQuery[bool] = False,
    ) -> QuoteView:
        """A customer's quote while an order may be placed at it; with `ended` also later, as it was promised."""
        async with database.acquire() as connection:
            find = quoting.promised_quote if ended else quoting.valid_quote
            return _view(await find(connection, quote_id, customer_id))


def _view(quote: Quote) -> QuoteView:
    return QuoteView(
        id=quote.id,
        from_currency=quote.from_currency,
        to_currency=quote.to_currency,
        rate_nano=quote.rate_nano,
        expires_at=quote.expires_at,
    )
