"""Rates as payments promises them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal, RemoteRefusal, WorldError
from shared.service_client import ServiceClient
from svc.orders.pricing import Conversion
from svc.orders.settings import Settings


class ConversionUnavailable(Refusal):
    """Payments did not say what its rate is; nothing was ordered."""

    code = "conversion_unavailable"
    kind = Kind.UNAVAILABLE


class NoExchangeRate(Refusal):
    """Payments has no rate between the two currencies."""

    code = "no_exchange_rate"
    kind = Kind.UNPROCESSABLE


class UnknownQuote(Refusal):
    """Payments gave this customer no such quote."""

    code = "unknown_quote"
    kind = Kind.UNPROCESSABLE


class QuoteExpired(Refusal):
    """The rate was promised for a time that is over."""

    code = "quote_expired"
    kind = Kind.CONFLICT


class Exchange(Protocol):
    async def offer(self, customer_id: UUID, *, from_currency: str, to_currency: str) -> Conversion: ...

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> Conversion: ...

    async def promised(self, quote_id: UUID, customer_id: UUID) -> Conversion: ...


class _Quote(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    from_currency: str
    to_currency: str
    rate_nano: int
    expires_at: datetime


_QUOTE_REFUSALS: dict[str, type[Refusal]] = {
    refusal.code: refusal for refusal in (NoExchangeRate, UnknownQuote, QuoteExpired)
}


class ExchangeClient:
    """Rates as payments promises them to a customer; each is asked for once and then taken by its id."""

    def __init__(self, client: ServiceClient, config: Settings) -> None:
        self._client = client
        self._timeout_s = config.conversion_timeout_s

    async def offer(self, customer_id: UUID, *, from_currency: str, to_currency: str) -> Conversion:
        """A new quote of the rate of now. Raises `NoExchangeRate`, `ConversionUnavailable`."""
        wish = {"customer_id": customer_id, "from_currency": from_currency, "to_currency": to_currency}
        return await self._ask("POST", "/internal/quotes", json=wish)

    async def quoted(self, quote_id: UUID, customer_id: UUID) -> Conversion:
        """What was quoted, while it may be ordered at.

        Raises `UnknownQuote`, `QuoteExpired`, `ConversionUnavailable`.
        """
        return await self._ask("GET", f"/internal/quotes/{quote_id}", params={"customer_id": str(customer_id)})

    async def promised(self, quote_id: UUID, customer_id: UUID) -> Conversion:
        """What was quoted, also when its time is over. Raises `UnknownQuote`, `ConversionUnavailable`."""
        wish = {"customer_id": str(customer_id), "ended": "true"}
        return await self._ask("GET", f"/internal/quotes/{quote_id}", params=wish)

    async def _ask(
        self, method: str, path: str, *, json: object = None, params: Mapping[str, str] | None = None
    ) -> Conversion:
        try:
            quote = await self._client.request(
                "payments",
                method,
                path,
                json=json,
                params=params,
                response_type=_Quote,
                idempotent=True,  # a quote that nobody got to see is of no use to anybody
                timeout_s=self._timeout_s,
            )
        except RemoteRefusal as refusal:
            known = _QUOTE_REFUSALS.get(refusal.code)
            if known is None:
                raise
            raise known(refusal.detail, **refusal.extra) from refusal
        except WorldError as error:
            raise ConversionUnavailable("the rate cannot be asked for right now; try again soon") from error
        return Conversion(
            quote_id=quote.id,
            from_currency=quote.from_currency,
            to_currency=quote.to_currency,
            rate_nano=quote.rate_nano,
            expires_at=quote.expires_at,
        )
