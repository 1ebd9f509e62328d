"""A quote: a price of sending that stands for a while. Pure."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal


class UnknownQuote(Refusal):
    code = "unknown_quote"
    kind = Kind.NOT_FOUND


class QuoteExpired(Refusal):
    """Its time is over; the price may be another by now."""

    code = "quote_expired"
    kind = Kind.CONFLICT


class Goods(msgspec.Struct, frozen=True):
    """So many pieces of a SKU."""

    sku: str
    quantity: int


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What sending these goods costs, in minor units, until `expires_at`; it never changes.

    That of a customer is for a checked address and serves one order; one without serves every order of such goods to
    the country, however many.
    """

    id: UUID
    customer_id: UUID | None
    country: str
    postal_code: str | None
    method: str
    carrier: str
    currency: str
    amount_minor: int
    parcels: int
    deliver_by: date
    expires_at: datetime
    goods: tuple[Goods, ...] = ()
    used_by: UUID | None = None
