"""The one computation of an order's total."""

from collections.abc import Sequence

from shared.money import Money, allocate
from svc.orders.pricing.discount import Coupon, discount_of
from svc.orders.pricing.model import Explanation, Line, MixedCurrencies, PricedLine, Totals
from svc.orders.pricing.tax import tax_on, tax_rate_bp


def calculate_order_total(
    lines: Sequence[Line], *, country: str, shipping: Money, coupon: Coupon | None = None
) -> Totals:
    """Price the lines for delivery to `country`; the coupon has been validated by the caller.

    The discount is spread over the lines by the largest remainder of their totals. Raises `MixedCurrencies`,
    `UnsupportedCountry`; `InvalidMoneyError` beyond what money can hold.
    """
    assert lines, "an order has at least one line"
    currency = shipping.currency
    if any(line.currency != currency for line in lines):
        raise MixedCurrencies("all goods of an order, and its shipping, must be priced in one currency")
    line_totals = [Money(line.unit_price_minor, currency) * line.quantity for line in lines]
    subtotal = sum(line_totals, start=Money.zero(currency))
    discount = discount_of(coupon, subtotal) if coupon is not None else Money.zero(currency)
    discounts = allocate(discount, [total.amount_minor for total in line_totals]) if discount else None
    priced: list[PricedLine] = []
    explanation: list[Explanation] = []
    for index, (line, line_total) in enumerate(zip(lines, line_totals, strict=True)):
        off = discounts[index] if discounts else Money.zero(currency)
        base = line_total - off
        rate_bp = tax_rate_bp(country, line.tax_class)
        tax = tax_on(base, rate_bp)
        priced.append(
            PricedLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                tax_class=line.tax_class,
                line_total_minor=line_total.amount_minor,
                discount_minor=off.amount_minor,
                tax_minor=tax.amount_minor,
            )
        )
        explanation += _explain_line(line, line_total, off=off, base=base, tax=tax, rate_bp=rate_bp, coupon=coupon)
    tax_total = sum(line.tax_minor for line in priced)
    explanation.append(Explanation("shipping", shipping.amount_minor, shipping.amount_minor, source=country))
    return Totals(
        currency=currency,
        lines=tuple(priced),
        subtotal_minor=subtotal.amount_minor,
        discount_minor=discount.amount_minor,
        tax_minor=tax_total,
        shipping_minor=shipping.amount_minor,
        total_minor=(subtotal - discount + Money(tax_total, currency) + shipping).amount_minor,
        explanation=tuple(explanation),
    )


def _explain_line(
    line: Line, line_total: Money, *, off: Money, base: Money, tax: Money, rate_bp: int, coupon: Coupon | None
) -> list[Explanation]:
    steps = [Explanation("unit_price_times_quantity", line_total.amount_minor, line.unit_price_minor, line.sku)]
    if coupon is not None and off:
        steps.append(
            Explanation(
                f"coupon_{coupon.kind.value}",
                -off.amount_minor,
                line_total.amount_minor,
                line.sku,
                coupon.rate_bp,
                coupon.code,
            )
        )
    steps.append(Explanation("tax", tax.amount_minor, base.amount_minor, line.sku, rate_bp, line.tax_class.value))
    return steps
