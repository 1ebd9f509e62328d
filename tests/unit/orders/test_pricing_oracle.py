"""Random orders, priced by the module and by the judge's oracle, which share no line: equal to the minor unit.

`nox -s pricing` prices a million of them.
"""

import os
from random import Random

import pytest

from scenarios.checkers.exact_money import priced
from scenarios.defects.double_charge import float_money, rounding_per_component
from scenarios.evidence.rows import CouponRow, OrderLineRow, PromotionRow
from shared.money import Money
from shared.tax_classes import TaxClass
from svc.orders.pricing import (
    TAX_RATES_BP,
    Coupon,
    CouponKind,
    Line,
    Promotion,
    PromotionKind,
    calculate_order_total,
)

pytestmark = pytest.mark.service("orders")

ORDERS = int(os.environ.get("SHOPSTREAM_PRICED_ORDERS", "10000"))
SEED = os.environ.get("SHOPSTREAM_PRICING_SEED", "1")
AT_ONCE = min(ORDERS, 2_500)
COUNTRIES = sorted({country for country, _ in TAX_RATES_BP})
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KWD")
CLASSES = tuple(TaxClass)


def rate_bp(draw):
    return draw.choice((1, 33, 333, 500, 1_000, 1_250, 3_333, 5_000, 9_999, 10_000, draw.randint(1, 10_000)))


def amount(draw):
    return draw.choice((1, 99, 1_999, draw.randint(1, 500), draw.randint(1, 10**6), draw.randint(1, 10**9)))


def a_promotion(draw, number, lines, currency):
    kind = draw.choice(list(PromotionKind))
    terms = {
        PromotionKind.PERCENTAGE: lambda: {"rate_bp": rate_bp(draw)},
        PromotionKind.FIXED: lambda: {"amount_minor": amount(draw)},
        PromotionKind.BUY_X_GET_Y: lambda: {"buy_units": draw.randint(1, 4), "free_units": draw.randint(1, 3)},
    }[kind]()
    bound = kind is PromotionKind.FIXED or draw.random() < 0.3
    return Promotion(
        code=f"P{number}",
        kind=kind,
        priority=draw.randint(0, 3),
        exclusive=draw.random() < 0.3,
        skus=tuple(sorted({draw.choice(lines).sku for _ in range(draw.randint(0, 3))})),
        currency=draw.choice((currency, currency, currency, "CHF")) if bound else None,
        minimum_minor=amount(draw) if bound and draw.random() < 0.5 else 0,
        **terms,
    )


def an_order(draw):
    """Everything that `calculate_order_total` takes."""
    currency = draw.choice(CURRENCIES)
    lines = [
        Line(f"S{n}", draw.randint(1, 12), amount(draw) - draw.randint(0, 1), currency, draw.choice(CLASSES))
        for n in range(draw.randint(1, 7))
    ]
    coupon = draw.choice(
        (
            None,
            Coupon(code="C", kind=CouponKind.PERCENTAGE, rate_bp=rate_bp(draw)),
            Coupon(code="C", kind=CouponKind.FIXED, amount_minor=amount(draw), currency=currency),
        )
    )
    promotions = [a_promotion(draw, n, lines, currency) for n in range(draw.choice((0, 0, 1, 2, 4)))]
    draw.shuffle(promotions)
    shipping = Money(draw.randint(0, 2_000), currency)
    return lines, {
        "country": draw.choice(COUNTRIES), "shipping": shipping, "coupon": coupon, "promotions": promotions,
    }  # fmt: skip


def judged(lines, *, country, coupon, promotions, **_):
    """What the judge makes of the same order."""
    return priced(
        [OrderLineRow("o", line.sku, line.quantity, line.unit_price_minor, 0) for line in lines],
        rates_bp=[TAX_RATES_BP[country, line.tax_class] for line in lines],
        coupon=coupon and CouponRow(code="C", rate_bp=coupon.rate_bp, amount_minor=coupon.amount_minor),
        promotions=[
            PromotionRow(
                code=one.code,
                kind=one.kind.value,
                priority=one.priority,
                exclusive=one.exclusive,
                skus=",".join(one.skus),
                rate_bp=one.rate_bp,
                amount_minor=one.amount_minor,
                buy_units=one.buy_units,
                free_units=one.free_units,
                currency=one.currency or "",
                minimum_minor=one.minimum_minor,
            )
            for one in promotions
        ],
        currency=lines[0].currency,
    )


def difference(lines, terms, price_order=calculate_order_total):
    """What the two say that is not the same; empty when they agree."""
    ours, theirs = price_order(lines, **terms), judged(lines, **terms)
    total = theirs.subtotal_minor - theirs.discount_minor + theirs.tax_minor + terms["shipping"].amount_minor
    said = {
        "subtotal": (ours.subtotal_minor, theirs.subtotal_minor),
        "discount": (ours.discount_minor, theirs.discount_minor),
        "tax": (ours.tax_minor, theirs.tax_minor),
        "total": (ours.total_minor, total),
        "discounts": (tuple(line.discount_minor for line in ours.lines), theirs.discounts),
        "taxes": (tuple(line.tax_minor for line in ours.lines), theirs.taxes),
        "explained": (sum(step.amount_minor for step in ours.explanation), total),
    }
    return {what: pair for what, pair in said.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("portion", range(ORDERS // AT_ONCE))
def test_random_orders_cost_what_an_independent_oracle_says(portion):
    draw = Random(f"{SEED}/{portion}")
    for number in range(AT_ONCE):
        lines, terms = an_order(draw)
        assert difference(lines, terms) == {}, (SEED, portion, number, lines, terms)


@pytest.mark.parametrize("defect", [float_money, rounding_per_component])
def test_a_price_that_is_wrong_by_a_cent_does_not_escape_the_oracle(defect):
    wrong = defect.TWINS["orders.price_order"](calculate_order_total, None)
    draw = Random(SEED)
    assert any(difference(*an_order(draw), price_order=wrong) for _ in range(200))
