"""A quote: a price of sending that stands for a while, for one order. Pure."""

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


class QuoteUsed(Refusal):
    """It served another order."""

    code = "quote_used"
    kind = Kind.CONFLICT


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts in minor units; serves one order, and only until `expires_at`."""

    id: UUID
    customer_id: UUID
    country: str
    postal_code: str
    method: str
    carrier: str
    currency: str
    amount_minor: int
    parcels: int
    deliver_by: date
    expires_at: datetime
    used_by: UUID | None = None
