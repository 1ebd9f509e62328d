"""The one computation of an order's total."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.money import Money, allocate
from svc.orders.pricing.discount import Coupon, discount_of
from svc.orders.pricing.model import Explanation, Line, MixedCurrencies, PricedLine, Totals
from svc.orders.pricing.promotions import Promotion, promotions_taken
from svc.orders.pricing.tax import tax_on, tax_rate_bp

PROMOTION = "promotion_"
"""How the rules of promotions begin in an explanation."""


class PriceOrder(Protocol):
    """What the lines cost, delivered to a country; the coupon has been validated, the promotions are in force."""

    def __call__(
        self,
        lines: Sequence[Line],
        *,
        country: str,
        shipping: Money,
        coupon: Coupon | None = None,
        promotions: Sequence[Promotion] = (),
    ) -> Totals: ...


class _Reduced(msgspec.Struct, frozen=True):
    """A line's total, what is left of it, and each step from one to the other."""

    total: Money
    left: Money
    steps: tuple[Explanation, ...]


def calculate_order_total(
    lines: Sequence[Line],
    *,
    country: str,
    shipping: Money,
    coupon: Coupon | None = None,
    promotions: Sequence[Promotion] = (),
) -> Totals:
    """Price the lines for delivery to `country`; coupon and promotions are in force, which the caller has checked.

    The coupon's discount is spread over the lines by the largest remainder of what promotions left of them. Raises
    `MixedCurrencies`, `UnsupportedCountry`; `InvalidMoneyError` beyond what money can hold.
    """
    assert lines, "an order has at least one line"
    currency = shipping.currency
    if any(line.currency != currency for line in lines):
        raise MixedCurrencies("all goods of an order, and its shipping, must be priced in one currency")
    line_totals = [Money(line.unit_price_minor, currency) * line.quantity for line in lines]
    reduced = _couponed(coupon, lines, _promoted(promotions, lines, line_totals))
    priced: list[PricedLine] = []
    explanation: list[Explanation] = []
    for line, one in zip(lines, reduced, strict=True):
        rate_bp = tax_rate_bp(country, line.tax_class)
        tax = tax_on(one.left, rate_bp)
        priced.append(
            PricedLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                tax_class=line.tax_class,
                line_total_minor=one.total.amount_minor,
                discount_minor=(one.total - one.left).amount_minor,
                tax_minor=tax.amount_minor,
            )
        )
        explanation += [
            Explanation("unit_price_times_quantity", one.total.amount_minor, line.unit_price_minor, line.sku),
            *one.steps,
            Explanation("tax", tax.amount_minor, one.left.amount_minor, line.sku, rate_bp, line.tax_class.value),
        ]
    explanation.append(Explanation("shipping", shipping.amount_minor, shipping.amount_minor, source=country))
    return _totals(priced, explanation, shipping)


def _promoted(promotions: Sequence[Promotion], lines: Sequence[Line], line_totals: Sequence[Money]) -> list[_Reduced]:
    reduced = [_Reduced(total, total, ()) for total in line_totals]
    for taken in promotions_taken(promotions, lines, line_totals) if promotions else ():
        before, promotion = reduced[taken.line], taken.promotion
        step = Explanation(
            f"{PROMOTION}{promotion.kind.value}",
            -taken.off.amount_minor,
            taken.base.amount_minor,
            lines[taken.line].sku,
            promotion.rate_bp,
            promotion.code,
        )
        reduced[taken.line] = _Reduced(before.total, before.left - taken.off, (*before.steps, step))
    return reduced


def _couponed(coupon: Coupon | None, lines: Sequence[Line], reduced: Sequence[_Reduced]) -> Sequence[_Reduced]:
    worth = sum((one.left for one in reduced), start=Money.zero(reduced[0].left.currency))
    off = discount_of(coupon, worth) if coupon is not None else None
    if coupon is None or not off:
        return reduced
    shares = allocate(off, [one.left.amount_minor for one in reduced])
    return [
        _Reduced(one.total, one.left - share, (*one.steps, _coupon_step(coupon, line, one.left, share)))
        if share
        else one
        for line, one, share in zip(lines, reduced, shares, strict=True)
    ]


def _coupon_step(coupon: Coupon, line: Line, base: Money, off: Money) -> Explanation:
    return Explanation(
        f"coupon_{coupon.kind.value}", -off.amount_minor, base.amount_minor, line.sku, coupon.rate_bp, coupon.code
    )


def _totals(priced: Sequence[PricedLine], explanation: Sequence[Explanation], shipping: Money) -> Totals:
    subtotal, discount, tax = (
        Money(sum(amounts), shipping.currency)
        for amounts in zip(
            *((line.line_total_minor, line.discount_minor, line.tax_minor) for line in priced), strict=True
        )
    )
    return Totals(
        currency=shipping.currency,
        lines=tuple(priced),
        subtotal_minor=subtotal.amount_minor,
        discount_minor=discount.amount_minor,
        tax_minor=tax.amount_minor,
        shipping_minor=shipping.amount_minor,
        total_minor=(subtotal - discount + tax + shipping).amount_minor,
        explanation=tuple(explanation),
        promotions=tuple(sorted({step.source or "" for step in explanation if step.rule.startswith(PROMOTION)})),
    )
