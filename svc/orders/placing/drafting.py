"""Turn a customer's wish into a priced draft: goods at today's prices, coupon, tax and shipping.

Reads only; the prices and the quotes have been fetched before, outside any transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.money import Money
from svc.orders.clients import Parcel, ShippingQuote, Variant
from svc.orders.domain.cart import CartLine, PriceChanged, ProductUnavailable
from svc.orders.domain.draft import Address, Delivery, Draft, DraftLine, Priced
from svc.orders.pricing import Conversion, Coupon, Line, MixedCurrencies, PriceOrder, Promotion, validate_coupon


class Wish(Protocol):
    """Goods for a customer in a country, those given or those of the cart (`items` empty)."""

    @property
    def customer_id(self) -> UUID: ...
    @property
    def guest(self) -> bool: ...
    @property
    def items(self) -> tuple[CartLine, ...]: ...
    @property
    def country(self) -> str: ...
    @property
    def shipping_method(self) -> str: ...
    @property
    def coupon(self) -> str | None: ...


class PreviewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A customer asks what the goods would cost, in another currency than the catalog's where one is named.

    With `postal_code` shipping quotes for the customer, and an order may be placed at that.
    """

    customer_id: UUID
    guest: bool = False
    items: tuple[CartLine, ...]
    country: str
    postal_code: str | None = None
    shipping_method: str
    coupon: str | None = None
    currency: str | None = None


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A customer wants the goods, at the rate and the cost of shipping of quotes where those are named."""

    customer_id: UUID
    guest: bool = False
    email: str
    key: str
    fingerprint: bytes
    items: tuple[CartLine, ...]
    payment_method: str
    shipping_method: str
    shipping_address: Address
    coupon: str | None = None
    quote_id: UUID | None = None
    shipping_quote_id: UUID | None = None

    @property
    def country(self) -> str:
        """Where the goods go."""
        return self.shipping_address.country


class Identity(msgspec.Struct, frozen=True):
    """What names a placement: the order it makes, and the scope and key it is stored under."""

    order_id: UUID
    scope: str
    key: str


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """The lines wanted, what the catalog says of them, and the cart they were bought from.

    The prices are in one currency: that of `conversion`, where they were converted.
    """

    lines: list[CartLine]
    variants: Mapping[str, Variant]
    currency: str
    conversion: Conversion | None
    cart_version: int | None

    @property
    def worth(self) -> Money:
        """Before discount, tax and shipping."""
        return Money(sum(self.variants[line.sku].price_minor * line.quantity for line in self.lines), self.currency)

    def parcel(self, wish: Wish) -> Parcel:
        """What is to be sent."""
        return Parcel(
            country=wish.country,
            method=wish.shipping_method,
            lines=tuple((line.sku, line.quantity) for line in self.lines),
            worth=self.worth,
        )


def check_goods(lines: Sequence[CartLine], variants: Mapping[str, Variant]) -> str:
    """The one currency of the goods.

    Raises `ProductUnavailable`, `PriceChanged` (a line was shown at another price), `MixedCurrencies`.
    """
    gone = [line.sku for line in lines if line.sku not in variants or not variants[line.sku].for_sale]
    changed = [
        {"sku": line.sku, "shown": _wire(line.shown_price_minor, line.currency or variant.currency),
         "current": _wire(variant.price_minor, variant.currency)}
        for line in lines
        if line.shown_price_minor is not None
        and line.sku not in gone
        and (variant := variants[line.sku])
        and (variant.price_minor, variant.currency) != (line.shown_price_minor, line.currency)
    ]  # fmt: skip
    if gone:
        raise ProductUnavailable(
            "some goods are not for sale any more", items=[{"sku": sku} for sku in gone], changed=changed
        )
    if changed:
        raise PriceChanged("some prices changed since the cart was shown", items=changed)
    currencies = {variants[line.sku].currency for line in lines}
    if len(currencies) > 1:
        raise MixedCurrencies("all goods of an order must be priced in one currency", currencies=sorted(currencies))
    return currencies.pop()


def converted(variants: Mapping[str, Variant], conversion: Conversion | None) -> Mapping[str, Variant]:
    """The goods at the quoted rate, each unit price rounded once. Raises `QuoteNotApplicable`, `NotConvertible`."""
    if conversion is None:
        return variants
    return {
        sku: msgspec.structs.replace(
            variant,
            price_minor=conversion.price(Money(variant.price_minor, variant.currency)).amount_minor,
            currency=conversion.to_currency,
        )
        for sku, variant in variants.items()
    }


def price_goods(
    goods: Goods,
    *,
    country: str,
    shipping: ShippingQuote,
    coupon: Coupon | None,
    promotions: Sequence[Promotion],
    price_order: PriceOrder,
    now: datetime,
) -> Priced:
    """What the goods cost. Raises `CouponNotApplicable`, `MixedCurrencies`, `UnsupportedCountry`."""
    variants = goods.variants
    lines = [
        Line(line.sku, line.quantity, variant.price_minor, variant.currency, variant.tax_class)
        for line in goods.lines
        if (variant := variants[line.sku])
    ]
    if coupon is not None:
        validate_coupon(coupon, subtotal=goods.worth, now=now)
    totals = price_order(
        lines,
        country=country,
        shipping=Money(shipping.amount_minor, shipping.currency),
        coupon=coupon,
        promotions=promotions,
    )
    return Priced(
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
                seller_id=variants[line.sku].seller_id,
            )
            for line in totals.lines
        ),
        subtotal_minor=totals.subtotal_minor,
        discount_minor=totals.discount_minor,
        tax_minor=totals.tax_minor,
        shipping_minor=totals.shipping_minor,
        shipping_method=shipping.method,
        total_minor=totals.total_minor,
        explanation=totals.explanation,
        coupon=coupon.code if coupon is not None else None,
        promotions=totals.promotions,
        cart_version=goods.cart_version,
        conversion=goods.conversion,
        delivery=Delivery(
            quote_id=shipping.id,
            personal=shipping.customer_id is not None,
            carrier=shipping.carrier,
            deliver_by=shipping.deliver_by,
            quoted_until=shipping.expires_at,
        ),
    )


def draft_order(command: PlaceOrder, identity: Identity, priced: Priced, *, address: Address, trace_id: str) -> Draft:
    """The order of the priced goods to the checked address, ready to be stored."""
    return Draft(
        order_id=identity.order_id,
        customer_id=command.customer_id,
        guest=command.guest,
        email=command.email,
        scope=identity.scope,
        key=identity.key,
        payment_method=command.payment_method,
        shipping_address=address,
        trace_id=trace_id,
        **msgspec.structs.asdict(priced),
    )


def _wire(amount_minor: int, currency: str) -> dict[str, str]:
    return {"amount": Money(amount_minor, currency).decimal_string, "currency": currency}
