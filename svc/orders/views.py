"""Orders and carts as customers see them: money as decimal strings, nothing internal."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from shared.exchange_rates import rate_text
from shared.money import Money, MoneyWire
from svc.orders.domain.cart import CartLine
from svc.orders.domain.draft import Delivery, Draft, DraftLine, Priced
from svc.orders.domain.machines import OrderStatus
from svc.orders.pricing import Conversion, Explanation
from svc.orders.store.orders import StoredOrder


class OrderLineView(msgspec.Struct, frozen=True):
    sku: str
    product_id: UUID
    title: str
    quantity: int
    unit_price: MoneyWire
    tax_class: str
    line_total: MoneyWire
    discount: MoneyWire
    tax: MoneyWire


class ExplanationView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`amount` is what `rule` made of `base`; rates are basis points."""

    rule: str
    target: str
    base: MoneyWire
    amount: MoneyWire
    rate_bp: int | None = None
    source: str | None = None


class ConversionView(msgspec.Struct, frozen=True):
    """`rate` is what one unit of `from_currency`, the catalog's, is worth in the currency of the order."""

    quote_id: UUID
    from_currency: str
    rate: str
    expires_at: datetime


class DeliveryView(msgspec.Struct, frozen=True, omit_defaults=True):
    """As shipping quoted it; `quote_id` and `expires_at` are told with a quote of one's own, which serves one order."""

    carrier: str
    deliver_by: date
    quote_id: UUID | None = None
    expires_at: datetime | None = None


class AddressView(msgspec.Struct, frozen=True):
    name: str
    line1: str
    city: str
    postal_code: str
    country: str


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: UUID
    number: str
    status: str
    lines: list[OrderLineView]
    subtotal: MoneyWire
    discount: MoneyWire
    tax: MoneyWire
    shipping: MoneyWire
    total: MoneyWire
    placed_at: datetime
    shipping_address: AddressView
    shipping_method: str
    explanation: list[ExplanationView]
    version: int
    coupon: str | None = None
    conversion: ConversionView | None = None
    delivery: DeliveryView | None = None
    refunded: MoneyWire | None = None
    cancel_reason: str | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an order would cost; in another currency than the catalog's, with the quote to order at."""

    lines: list[OrderLineView]
    subtotal: MoneyWire
    discount: MoneyWire
    tax: MoneyWire
    shipping: MoneyWire
    shipping_method: str
    total: MoneyWire
    explanation: list[ExplanationView]
    conversion: ConversionView | None = None
    delivery: DeliveryView | None = None


class CartLineView(msgspec.Struct, frozen=True, omit_defaults=True):
    """`previous_price` is set when the price changed since the customer saw the cart last."""

    sku: str
    title: str
    quantity: int
    unit_price: MoneyWire | None = None
    line_total: MoneyWire | None = None
    previous_price: MoneyWire | None = None
    available: bool = True


class Cart(msgspec.Struct, frozen=True, omit_defaults=True):
    """`prices_current` is false while the catalog cannot be asked and the prices shown last are repeated."""

    version: int
    lines: list[CartLineView]
    subtotal: MoneyWire | None = None
    prices_current: bool = True


def order_of_draft(draft: Draft, placed_at: datetime) -> Order:
    """The order as its buyer is told of it first."""
    return Order(
        id=draft.order_id,
        number=draft.number,
        status=OrderStatus.RESERVED.value,
        lines=_lines(draft.lines, draft.currency),
        subtotal=_wire(draft.subtotal_minor, draft.currency),
        discount=_wire(draft.discount_minor, draft.currency),
        tax=_wire(draft.tax_minor, draft.currency),
        shipping=_wire(draft.shipping_minor, draft.currency),
        total=_wire(draft.total_minor, draft.currency),
        placed_at=placed_at,
        shipping_address=msgspec.convert(draft.shipping_address, AddressView, from_attributes=True),
        shipping_method=draft.shipping_method,
        explanation=_explanation(draft.explanation, draft.currency),
        version=1,
        coupon=draft.coupon,
        conversion=_conversion(draft.conversion),
        delivery=_delivery(draft.delivery),
    )


def preview_view(priced: Priced) -> Preview:
    """What a customer is shown before there is an order."""
    currency = priced.currency
    return Preview(
        lines=_lines(priced.lines, currency),
        subtotal=_wire(priced.subtotal_minor, currency),
        discount=_wire(priced.discount_minor, currency),
        tax=_wire(priced.tax_minor, currency),
        shipping=_wire(priced.shipping_minor, currency),
        shipping_method=priced.shipping_method,
        total=_wire(priced.total_minor, currency),
        explanation=_explanation(priced.explanation, currency),
        conversion=_conversion(priced.conversion),
        delivery=_delivery(priced.delivery),
    )


def order_view(order: StoredOrder) -> Order:
    """The order as it stands."""
    return Order(
        id=order.id,
        number=order.number,
        status=order.status.value,
        lines=_lines(order.lines, order.currency),
        subtotal=_wire(order.subtotal_minor, order.currency),
        discount=_wire(order.discount_minor, order.currency),
        tax=_wire(order.tax_minor, order.currency),
        shipping=_wire(order.shipping_minor, order.currency),
        total=_wire(order.total_minor, order.currency),
        placed_at=order.placed_at,
        shipping_address=msgspec.convert(order.shipping_address, AddressView, from_attributes=True),
        shipping_method=order.shipping_method,
        explanation=_explanation(order.explanation, order.currency),
        version=order.version,
        coupon=order.coupon,
        conversion=_conversion(order.conversion),
        delivery=_delivery(order.delivery),
        refunded=_wire(order.facts.refunded_minor, order.currency) if order.facts.refunded_minor else None,
        cancel_reason=order.cancel_reason,
    )


def cart_line_view(line: CartLine, *, previous_minor: int | None = None, available: bool = True) -> CartLineView:
    """A cart line at the price it carries."""
    if line.shown_price_minor is None or line.currency is None:
        return CartLineView(line.sku, line.title, line.quantity, available=available)
    price = Money(line.shown_price_minor, line.currency)
    return CartLineView(
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        unit_price=price.to_wire(),
        line_total=(price * line.quantity).to_wire(),
        previous_price=_wire(previous_minor, line.currency) if previous_minor is not None else None,
        available=available,
    )


def cart_subtotal(lines: Sequence[CartLine]) -> MoneyWire | None:
    """The sum of priced lines where they share one currency."""
    currencies = {line.currency for line in lines if line.currency is not None}
    if len(currencies) != 1:
        return None
    return _wire(sum((line.shown_price_minor or 0) * line.quantity for line in lines), currencies.pop())


def _delivery(delivery: Delivery | None) -> DeliveryView | None:
    if delivery is None:
        return None
    if not delivery.personal:
        return DeliveryView(delivery.carrier, delivery.deliver_by)
    return DeliveryView(delivery.carrier, delivery.deliver_by, delivery.quote_id, delivery.quoted_until)


def _lines(lines: Sequence[DraftLine], currency: str) -> list[OrderLineView]:
    return [
        OrderLineView(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=_wire(line.unit_price_minor, currency),
            tax_class=line.tax_class.value,
            line_total=_wire(line.line_total_minor, currency),
            discount=_wire(line.discount_minor, currency),
            tax=_wire(line.tax_minor, currency),
        )
        for line in lines
    ]


def _explanation(steps: Sequence[Explanation], currency: str) -> list[ExplanationView]:
    return [
        ExplanationView(
            rule=step.rule,
            target=step.target,
            base=_wire(step.base_minor, currency),
            amount=_wire(step.amount_minor, currency),
            rate_bp=step.rate_bp,
            source=step.source,
        )
        for step in steps
    ]


def _conversion(conversion: Conversion | None) -> ConversionView | None:
    if conversion is None:
        return None
    return ConversionView(
        quote_id=conversion.quote_id,
        from_currency=conversion.from_currency,
        rate=rate_text(conversion.rate_nano),
        expires_at=conversion.expires_at,
    )


def _wire(amount_minor: int, currency: str) -> MoneyWire:
    return Money(amount_minor, currency).to_wire()
