"""Planted: amounts are floats on their way through the checkout and are cut off at the end."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.currencies import exponent
from shared.money import Money
from shared.settings import ServiceSettings
from svc.orders.pricing import Coupon, Line, PricedLine, Promotion, Totals, tax_rate_bp

CARD = DefectCard(
    id="float-money",
    title="Money is a float",
    parts=("orders.price_order",),
    root_cause="Prices become floats, are multiplied and summed, and are made whole again by int(), which cuts off.",
    caught_by=("INV-08",),
    exposed_by="Prices such as 19.99, which no binary fraction is equal to, with a discount and a tax.",
    symptoms="Totals are a cent too low now and then; 0.1 + 0.2 in a test that nobody wrote.",
    fix="Whole minor units and a currency; percentages by integer arithmetic with one declared rounding.",
    origin="IEEE 754; What Every Computer Scientist Should Know About Floating-Point Arithmetic.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Prices an order in floats."""

    def price_order(
        lines: Sequence[Line],
        *,
        country: str,
        shipping: Money,
        coupon: Coupon | None = None,
        promotions: Sequence[Promotion] = (),
    ) -> Totals:
        exact: Totals = healthy(lines, country=country, shipping=shipping, coupon=coupon, promotions=promotions)
        scale = 10.0 ** exponent(shipping.currency)
        off = (coupon.rate_bp or 0) / 10_000 if coupon is not None else 0.0
        priced = tuple(
            _in_floats(line, off=off, tax=tax_rate_bp(country, line.tax_class) / 10_000, scale=scale)
            for line in exact.lines
        )
        discount_minor = sum(line.discount_minor for line in priced)
        tax_minor = sum(line.tax_minor for line in priced)
        return msgspec.structs.replace(
            exact,
            lines=priced,
            discount_minor=discount_minor,
            tax_minor=tax_minor,
            total_minor=exact.subtotal_minor - discount_minor + tax_minor + exact.shipping_minor,
        )

    return price_order


def _in_floats(line: PricedLine, *, off: float, tax: float, scale: float) -> PricedLine:
    total = line.unit_price_minor / scale * line.quantity
    discount = total * off
    return msgspec.structs.replace(
        line, discount_minor=int(discount * scale), tax_minor=int((total - discount) * tax * scale)
    )


TWINS: Twins = {"orders.price_order": twin}
