"""Turn a customer's wish into a priced draft: goods at today's prices, coupon, tax and shipping.

Reads only; the prices and the quote have been fetched before, outside any transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.money import Money
from svc.orders.clients import ShippingQuote, Variant
from svc.orders.domain.cart import CartLine, PriceChanged, ProductUnavailable
from svc.orders.domain.draft import Address, Draft, DraftLine
from svc.orders.pricing import Coupon, Line, MixedCurrencies, Totals, validate_coupon


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A customer wants goods, those given or those of the cart (`items` empty)."""

    customer_id: UUID
    email: str
    key: str
    fingerprint: bytes
    items: tuple[CartLine, ...]
    payment_method: str
    shipping_method: str
    shipping_address: Address
    coupon: str | None = None


class PriceOrder(Protocol):
    """What the lines cost, delivered to a country; the coupon has been validated."""

    def __call__(
        self, lines: Sequence[Line], *, country: str, shipping: Money, coupon: Coupon | None = None
    ) -> Totals: ...


class Identity(msgspec.Struct, frozen=True):
    """What names a placement: the order it makes, and the scope and key it is stored under."""

    order_id: UUID
    scope: str
    key: str


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """The lines wanted, what the catalog says of them, and the cart they were bought from."""

    lines: list[CartLine]
    variants: dict[str, Variant]
    cart_version: int | None


def check_goods(lines: Sequence[CartLine], variants: Mapping[str, Variant]) -> str:
    """The one currency of the goods.

    Raises `ProductUnavailable`, `PriceChanged` (a line was shown at another price), `MixedCurrencies`.
    """
    gone = [line.sku for line in lines if line.sku not in variants or not variants[line.sku].for_sale]
    if gone:
        raise ProductUnavailable("some goods are not for sale any more", items=[{"sku": sku} for sku in gone])
    changed = [
        {"sku": line.sku, "shown": _wire(line.shown_price_minor, line.currency or variant.currency),
         "current": _wire(variant.price_minor, variant.currency)}
        for line in lines
        if line.shown_price_minor is not None
        and (variant := variants[line.sku])
        and (variant.price_minor, variant.currency) != (line.shown_price_minor, line.currency)
    ]  # fmt: skip
    if changed:
        raise PriceChanged("some prices changed since the cart was shown", items=changed)
    currencies = {variants[line.sku].currency for line in lines}
    if len(currencies) > 1:
        raise MixedCurrencies("all goods of an order must be priced in one currency", currencies=sorted(currencies))
    return currencies.pop()


def draft_order(
    command: PlaceOrder,
    identity: Identity,
    *,
    goods: Goods,
    quote: ShippingQuote,
    coupon: Coupon | None,
    price_order: PriceOrder,
    now: datetime,
    trace_id: str,
) -> Draft:
    """The priced order. Raises `CouponNotApplicable`, `MixedCurrencies`, `UnsupportedCountry`."""
    variants = goods.variants
    priced = [
        Line(line.sku, line.quantity, variant.price_minor, variant.currency, variant.tax_class)
        for line in goods.lines
        if (variant := variants[line.sku])
    ]
    if coupon is not None:
        subtotal = sum(line.unit_price_minor * line.quantity for line in priced)
        validate_coupon(coupon, subtotal=Money(subtotal, quote.currency), now=now)
    totals = price_order(
        priced,
        country=command.shipping_address.country,
        shipping=Money(quote.amount_minor, quote.currency),
        coupon=coupon,
    )
    return Draft(
        order_id=identity.order_id,
        customer_id=command.customer_id,
        email=command.email,
        scope=identity.scope,
        key=identity.key,
        currency=totals.currency,
        lines=tuple(
            DraftLine(
                sku=line.sku,
                product_id=variants[line.sku].product_id,
                title=variants[line.sku].title,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                tax_class=line.tax_class,
                line_total_minor=line.line_total_minor,
                discount_minor=line.discount_minor,
                tax_minor=line.tax_minor,
            )
            for line in totals.lines
        ),
        subtotal_minor=totals.subtotal_minor,
        discount_minor=totals.discount_minor,
        tax_minor=totals.tax_minor,
        shipping_minor=totals.shipping_minor,
        total_minor=totals.total_minor,
        explanation=totals.explanation,
        payment_method=command.payment_method,
        shipping_method=command.shipping_method,
        shipping_address=command.shipping_address,
        coupon=coupon.code if coupon is not None else None,
        cart_version=goods.cart_version,
        trace_id=trace_id,
    )


def _wire(amount_minor: int, currency: str) -> dict[str, str]:
    return {"amount": Money(amount_minor, currency).decimal_string, "currency": currency}
