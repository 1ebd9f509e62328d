"""An order that is decided but not stored yet: everything a resumed saga needs to store it."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.ids import derived_id, public_code
from shared.tax_classes import TaxClass
from svc.orders.domain.guest import GUEST
from svc.orders.pricing import Conversion, Explanation


class Address(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    line1: str
    city: str
    postal_code: str
    country: str


class DraftLine(msgspec.Struct, frozen=True):
    sku: str
    product_id: UUID
    title: str
    quantity: int
    unit_price_minor: int
    tax_class: TaxClass
    line_total_minor: int
    discount_minor: int
    tax_minor: int
    seller_id: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Shipping's quote that an order is placed at: who carries it, and by which day.

    A `personal` one was shown to the customer and serves one order. Past `quoted_until` only one that is not personal
    may serve, while shipping is away.
    """

    quote_id: UUID
    personal: bool
    carrier: str
    deliver_by: date
    quoted_until: datetime


class Priced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goods cost, all told; in minor units of `currency`.

    `cart_version` is set when they are those of the cart, `conversion` when their prices were converted;
    `delivery` is absent only in what a former release drafted.
    """

    currency: str
    lines: tuple[DraftLine, ...]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    shipping_method: str
    total_minor: int
    explanation: tuple[Explanation, ...]
    coupon: str | None = None
    promotions: tuple[str, ...] = ()
    cart_version: int | None = None
    conversion: Conversion | None = None
    delivery: Delivery | None = None


class Draft(Priced, frozen=True, kw_only=True, omit_defaults=True):
    """An order of priced goods; `key` is the Idempotency-Key that named it."""

    order_id: UUID
    customer_id: UUID
    guest: bool = False
    email: str
    scope: str
    key: str
    payment_method: str
    shipping_address: Address
    trace_id: str = ""

    @property
    def buyer(self) -> str:
        """Who placed it, as its history names them."""
        return f"{GUEST if self.guest else 'customer'}:{self.customer_id}"

    @property
    def number(self) -> str:
        """The order's code for people."""
        return public_code("SO", self.order_id)

    @property
    def wanted(self) -> tuple[tuple[str, int], ...]:
        """(SKU, quantity) of each line."""
        return tuple((line.sku, line.quantity) for line in self.lines)


_decoder = msgspec.json.Decoder(Draft)
_encoder = msgspec.json.Encoder()


def order_id_of(customer_id: UUID, key: str) -> UUID:
    """The one order that a customer and a key name, however often they ask."""
    return derived_id("order", customer_id, key)


def encode_draft(draft: Draft) -> str:
    return _encoder.encode(draft).decode()


def decode_draft(text: str) -> Draft:
    return _decoder.decode(text)
