"""Planted: discount and tax are rounded for every single piece and added up afterwards."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.money import Money, Rounding, percentage
from shared.settings import ServiceSettings
from svc.orders.pricing import Coupon, Line, PricedLine, Promotion, Totals, tax_rate_bp

CARD = DefectCard(
    id="rounding-per-component",
    title="Every component is rounded",
    parts=("orders.price_order",),
    root_cause="The rule that prices one piece is called for every piece; each call rounds, and the errors add up.",
    caught_by=("INV-08",),
    exposed_by="Several pieces of one thing with a discount or a tax that does not come out even.",
    symptoms="The receipt does not add up: 10 % of the subtotal is not the sum of the discounts, by cents per line.",
    fix="Round once per declared place, and spread the rounded sum over the lines by the largest remainder.",
    origin="Rounding of invoices per unit against per line against per document.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Prices an order piece by piece."""

    def price_order(
        lines: Sequence[Line],
        *,
        country: str,
        shipping: Money,
        coupon: Coupon | None = None,
        promotions: Sequence[Promotion] = (),
    ) -> Totals:
        exact: Totals = healthy(lines, country=country, shipping=shipping, coupon=coupon, promotions=promotions)
        off_bp = (coupon.rate_bp or 0) if coupon is not None else 0
        priced = tuple(
            _by_the_piece(line, exact.currency, off_bp=off_bp, tax_bp=tax_rate_bp(country, line.tax_class))
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


def _by_the_piece(line: PricedLine, currency: str, *, off_bp: int, tax_bp: int) -> PricedLine:
    price = Money(line.unit_price_minor, currency)
    off = percentage(price, off_bp, Rounding.HALF_UP)
    tax = percentage(price - off, tax_bp, Rounding.HALF_UP)
    return msgspec.structs.replace(
        line, discount_minor=off.amount_minor * line.quantity, tax_minor=tax.amount_minor * line.quantity
    )


TWINS: Twins = {"orders.price_order": twin}
