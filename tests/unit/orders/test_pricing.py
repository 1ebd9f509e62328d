from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.money import Money
from shared.tax_classes import TaxClass
from svc.orders.pricing import (
    TAX_RATES_BP,
    Coupon,
    CouponKind,
    CouponNotApplicable,
    Line,
    MixedCurrencies,
    UnsupportedCountry,
    calculate_order_total,
    validate_coupon,
)

pytestmark = pytest.mark.service("orders")

STANDARD, REDUCED, ZERO = TaxClass.STANDARD, TaxClass.REDUCED, TaxClass.ZERO
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def percent(rate_bp, **more):
    return Coupon(code="P", kind=CouponKind.PERCENTAGE, rate_bp=rate_bp, **more)


def fixed(amount_minor, currency="EUR", **more):
    return Coupon(code="F", kind=CouponKind.FIXED, amount_minor=amount_minor, currency=currency, **more)


def eur(amount_minor):
    return Money(amount_minor, "EUR")


def total(*lines, country="IE", shipping=0, coupon=None, currency="EUR", classes=None):
    classes = classes or [STANDARD] * len(lines)
    return calculate_order_total(
        [
            Line(f"S{n}", quantity, price, currency, tax_class)
            for n, ((price, quantity), tax_class) in enumerate(zip(lines, classes, strict=True))
        ],
        country=country,
        shipping=Money(shipping, currency),
        coupon=coupon,
    )


def test_three_items_with_ten_percent_off_and_sales_tax_are_exact_to_the_cent():
    priced = total((1999, 1), (2999, 1), (4999, 1), country="US", shipping=899, coupon=percent(1000), currency="USD")
    assert (priced.subtotal_minor, priced.discount_minor) == (9997, 1000)
    assert [line.discount_minor for line in priced.lines] == [200, 300, 500]
    assert [line.tax_minor for line in priced.lines] == [148, 223, 371]
    assert priced.total_minor == 9997 - 1000 + 742 + 899


def test_tax_is_rounded_half_up_once_per_line():
    assert total((50, 1), country="AU").tax_minor == 5
    assert total((45, 1), country="AU").tax_minor == 5  # 4.5
    assert total((44, 1), country="AU").tax_minor == 4  # 4.4
    assert total((45, 1), (45, 1), country="AU").tax_minor == 10  # per line, not on the sum


def test_each_line_is_taxed_by_its_class_and_the_explanation_says_so():
    priced = total((1000, 1), (1000, 1), (1000, 1), classes=[STANDARD, REDUCED, ZERO])
    assert [line.tax_minor for line in priced.lines] == [230, 135, 0]
    assert priced.tax_minor == 365
    taxed = [(step.rate_bp, step.source) for step in priced.explanation if step.rule == "tax"]
    assert taxed == [(2300, "standard"), (1350, "reduced"), (0, "zero")]


def test_a_discount_is_spread_before_each_line_is_taxed_by_its_class():
    priced = total((999, 1), (1001, 1), classes=[REDUCED, ZERO], country="DE", coupon=percent(1000))
    assert [line.discount_minor for line in priced.lines] == [100, 100]
    assert [line.tax_minor for line in priced.lines] == [63, 0]  # 7 % of 8.99 is 0.6293


@pytest.mark.parametrize("country", sorted({country for country, _ in TAX_RATES_BP}))
def test_no_country_asks_more_for_a_better_class(country):
    rates = [TAX_RATES_BP[country, tax_class] for tax_class in (ZERO, REDUCED, STANDARD)]
    assert rates[0] == 0
    assert rates == sorted(rates)


def test_shipping_is_neither_discounted_nor_taxed():
    priced = total((1000, 1), shipping=500, coupon=percent(10_000))
    assert (priced.discount_minor, priced.tax_minor, priced.total_minor) == (1000, 0, 500)


def test_a_fixed_coupon_never_makes_the_goods_cheaper_than_nothing():
    priced = total((300, 1), coupon=fixed(1000))
    assert (priced.discount_minor, priced.total_minor) == (300, 0)


def test_a_discount_is_spread_by_largest_remainder():
    priced = total((100, 1), (100, 1), (100, 1), coupon=fixed(100))
    assert [line.discount_minor for line in priced.lines] == [34, 33, 33]


def test_yen_have_no_fractions_and_dinars_three_digits():
    assert total((100, 3), country="JP", currency="JPY").tax_minor == 30
    assert total((1234, 1), country="BH", currency="BHD").total_minor == 1234 + 123


def test_goods_of_two_currencies_are_refused():
    lines = [Line("A", 1, 100, "EUR", STANDARD), Line("B", 1, 100, "USD", STANDARD)]
    with pytest.raises(MixedCurrencies):
        calculate_order_total(lines, country="IE", shipping=eur(0))


def test_shipping_in_another_currency_is_refused():
    with pytest.raises(MixedCurrencies):
        calculate_order_total([Line("A", 1, 100, "EUR", STANDARD)], country="IE", shipping=Money(1, "USD"))


def test_a_country_without_a_rate_is_refused():
    with pytest.raises(UnsupportedCountry):
        total((100, 1), country="XX")


def test_every_cent_of_the_total_is_explained():
    priced = total((1999, 2), (350, 1), shipping=499, coupon=percent(1500))
    assert sum(step.amount_minor for step in priced.explanation) == priced.total_minor
    rules = {step.rule for step in priced.explanation}
    assert rules == {"unit_price_times_quantity", "coupon_percentage", "tax", "shipping"}


@pytest.mark.parametrize(
    ("coupon", "subtotal"),
    [
        (percent(1000, valid_from=NOW + timedelta(seconds=1)), eur(100)),
        (percent(1000, valid_until=NOW), eur(100)),
        (fixed(100, "USD"), eur(100)),
        (percent(1000, minimum_minor=101), eur(100)),
    ],
    ids=["not yet", "no longer", "another currency", "below its minimum"],
)
def test_a_coupon_that_does_not_fit_is_refused(coupon, subtotal):
    with pytest.raises(CouponNotApplicable):
        validate_coupon(coupon, subtotal=subtotal, now=NOW)


def test_a_coupon_says_how_much_it_needs():
    with pytest.raises(CouponNotApplicable) as refused:
        validate_coupon(percent(1000, minimum_minor=1_050), subtotal=eur(100), now=NOW)
    assert refused.value.detail == "this coupon needs a subtotal of 10.50 EUR"


def test_a_coupon_fits_at_the_first_moment_and_at_its_minimum():
    validate_coupon(percent(1000, valid_from=NOW, minimum_minor=100), subtotal=eur(100), now=NOW)


def half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2)) if value >= 0 else -int(-value + Fraction(1, 2))


def oracle(prices, rates_bp, coupon):
    """Written apart from the module: fractions, and shares by sorting remainders."""
    totals = [price * quantity for price, quantity in prices]
    subtotal = sum(totals)
    off = 0
    if coupon is not None and coupon.kind is CouponKind.PERCENTAGE:
        off = half_up(Fraction(subtotal * coupon.rate_bp, 10_000))
    elif coupon is not None:
        off = min(coupon.amount_minor, subtotal)
    shares = [0] * len(totals)
    if off:
        exact = [Fraction(off * one, subtotal) for one in totals]
        shares = [int(one) for one in exact]
        order = sorted(range(len(totals)), key=lambda n: (-(exact[n] - shares[n]), n))
        for n in order[: off - sum(shares)]:
            shares[n] += 1
    taxes = [
        half_up(Fraction((one - share) * rate_bp, 10_000))
        for one, share, rate_bp in zip(totals, shares, rates_bp, strict=True)
    ]
    return subtotal, off, shares, taxes


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 100), st.sampled_from(TaxClass)), min_size=1, max_size=12
    ),
    country=st.sampled_from(sorted({country for country, _ in TAX_RATES_BP})),
    coupon=st.one_of(
        st.none(),
        st.integers(1, 10_000).map(percent),
        st.integers(1, 10**8).map(fixed),
    ),
    shipping=st.integers(0, 10_000),
)
def test_an_independent_computation_agrees(lines, country, coupon, shipping):
    prices = [(price, quantity) for price, quantity, _ in lines]
    classes = [tax_class for _, _, tax_class in lines]
    priced = total(*prices, country=country, shipping=shipping, coupon=coupon, classes=classes)
    rates_bp = [TAX_RATES_BP[country, tax_class] for tax_class in classes]
    subtotal, off, shares, taxes = oracle(prices, rates_bp, coupon)
    assert priced.subtotal_minor == subtotal
    assert priced.discount_minor == off == sum(line.discount_minor for line in priced.lines)
    assert [line.discount_minor for line in priced.lines] == shares
    assert [line.tax_minor for line in priced.lines] == taxes
    assert priced.total_minor == subtotal - off + sum(taxes) + shipping
    assert all(0 <= line.discount_minor <= line.line_total_minor for line in priced.lines)
