"""Quotes: a rate promised to one customer for a while, so that what is shown is what is charged."""

from uuid import UUID

from shared.errors import Kind, Refusal
from shared.exchange_rates import rate_nano_of
from shared.ids import new_id
from shared.partner_client import PartnerRefusal
from shared.unit_of_work import Connection, UnitOfWork
from svc.payments.clients import Exchange, ExchangeRate
from svc.payments.store import quotes
from svc.payments.store.quotes import Quote


class NoExchangeRate(Refusal):
    """The exchange does not say what the one currency is worth in the other."""

    code = "no_exchange_rate"
    kind = Kind.UNPROCESSABLE


class UnknownQuote(Refusal):
    """There is no such quote, or it was given to somebody else."""

    code = "unknown_quote"
    kind = Kind.NOT_FOUND


class QuoteExpired(Refusal):
    """Its rate was promised until a moment that is over."""

    code = "quote_expired"
    kind = Kind.CONFLICT


async def rate_of_now(exchange: Exchange, *, from_currency: str, to_currency: str) -> ExchangeRate:
    """What the exchange says. Outside any transaction. Raises `NoExchangeRate`, `RemoteUnavailableError`."""
    refusal = NoExchangeRate(f"{from_currency} is not exchanged into {to_currency}")
    if from_currency == to_currency:
        raise refusal
    try:
        rate = await exchange.rate(from_currency, to_currency)
    except PartnerRefusal as error:
        raise refusal from error
    if rate_nano_of(rate.rate) == 0:
        raise refusal
    return rate


async def promise(uow: UnitOfWork, customer_id: UUID, rate: ExchangeRate, *, ttl_s: float) -> Quote:
    """Promise the customer the rate. Invariant: a quote never changes."""
    return await quotes.insert(
        uow.connection,
        new_id(),
        customer_id=customer_id,
        from_currency=rate.base,
        to_currency=rate.quote,
        rate_nano=rate_nano_of(rate.rate),
        exchange_rate_id=rate.id,
        ttl_s=ttl_s,
    )


async def valid_quote(connection: Connection, quote_id: UUID, customer_id: UUID) -> Quote:
    """The customer's quote while an order may be placed at it. Raises `UnknownQuote`, `QuoteExpired`."""
    quote = await promised_quote(connection, quote_id, customer_id)
    if quote.expired:
        raise QuoteExpired("this rate was promised for a time that is over", expired_at=quote.expires_at.isoformat())
    return quote


async def promised_quote(connection: Connection, quote_id: UUID, customer_id: UUID) -> Quote:
    """The customer's quote as it was promised, whatever the time. Raises `UnknownQuote`."""
    quote = await quotes.find(connection, quote_id, customer_id=customer_id)
    if quote is None:
        raise UnknownQuote("there is no such quote")
    return quote
