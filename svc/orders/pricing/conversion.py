"""Prices in another currency than that of the catalog, at one quoted rate: each unit price once, then nothing more."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal
from shared.exchange_rates import convert
from shared.money import Money


class QuoteNotApplicable(Refusal):
    """The quote is about another currency than the one the goods are priced in."""

    code = "quote_not_applicable"
    kind = Kind.UNPROCESSABLE


class NotConvertible(Refusal):
    """Something that costs money would cost nothing in the other currency."""

    code = "not_convertible"
    kind = Kind.UNPROCESSABLE


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """A quote of payments: billionths of one unit of `to_currency` for one of `from_currency`.

    An order may be placed at it until `expires_at`, and is charged at it however late.
    """

    quote_id: UUID
    from_currency: str
    to_currency: str
    rate_nano: int
    expires_at: datetime

    def price(self, price: Money) -> Money:
        """A unit price in the other currency, half up. Raises `QuoteNotApplicable`, `NotConvertible`."""
        if price.currency != self.from_currency:
            raise QuoteNotApplicable(
                f"the quote is about {self.from_currency}, the goods are priced in {price.currency}",
                currency=price.currency,
            )
        converted = convert(price, to=self.to_currency, rate_nano=self.rate_nano)
        if price and not converted:
            raise NotConvertible(f"{price.decimal_string} {price.currency} is too little for {self.to_currency}")
        return converted
