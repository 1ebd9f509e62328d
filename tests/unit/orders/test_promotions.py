"""How promotions stack: by priority, then code, each on what is left, never below nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.money import Money
from shared.tax_classes import TaxClass
from svc.orders.pricing import Coupon, CouponKind, Line, Promotion, PromotionKind, calculate_order_total

pytestmark = pytest.mark.service("orders")

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def percent(code, rate_bp, priority=100, **more):
    return Promotion(code=code, kind=PromotionKind.PERCENTAGE, rate_bp=rate_bp, priority=priority, **more)


def fixed(code, amount_minor, priority=100, currency="EUR", **more):
    return Promotion(
        code=code, kind=PromotionKind.FIXED, amount_minor=amount_minor, priority=priority, currency=currency, **more
    )


def free(code, buy, get, priority=100, **more):
    return Promotion(
        code=code, kind=PromotionKind.BUY_X_GET_Y, buy_units=buy, free_units=get, priority=priority, **more
    )


def total(*lines, promotions=(), coupon=None, currency="EUR"):
    goods = [Line(sku, quantity, price, currency, TaxClass.ZERO) for sku, price, quantity in lines]
    return calculate_order_total(
        goods, country="IE", shipping=Money(0, currency), coupon=coupon, promotions=list(promotions)
    )


def discounts(*lines, **more):
    return [line.discount_minor for line in total(*lines, **more).lines]


def test_each_works_on_what_the_earlier_ones_left_by_priority_and_then_by_code():
    half, five = percent("A", 5_000, priority=2), fixed("B", 500, priority=1)
    assert discounts(("S", 2_000, 1), promotions=[half, five]) == [500 + 750]
    later = fixed("B", 500, priority=3)
    assert discounts(("S", 2_000, 1), promotions=[later, half]) == [1_000 + 500]
    same = fixed("B", 500, priority=2)
    assert discounts(("S", 2_000, 1), promotions=[same, half]) == [1_000 + 500]


def test_a_fixed_sum_is_spread_over_the_lines_it_reaches_and_takes_no_more_than_they_cost():
    lines = (("A", 100, 1), ("B", 200, 1), ("C", 900, 1))
    assert discounts(*lines, promotions=[fixed("F", 100, skus=("A", "B"))]) == [33, 67, 0]
    assert discounts(*lines, promotions=[fixed("F", 10_000, skus=("A", "B"))]) == [100, 200, 0]


@pytest.mark.parametrize(("quantity", "free_units"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_of_every_full_group_the_free_units_cost_nothing(quantity, free_units):
    assert discounts(("S", 250, quantity), promotions=[free("F", 2, 1)]) == [250 * free_units]


def test_an_exclusive_one_shares_no_line_with_any_other():
    lines = (("A", 1_000, 1), ("B", 1_000, 1))
    first, only, last = percent("1", 1_000, 1, skus=("A",)), percent("2", 5_000, 2, exclusive=True), fixed("3", 300, 3)
    assert discounts(*lines, promotions=[first, only, last]) == [100 + 300, 500]


def test_a_minimum_is_of_the_undiscounted_goods_and_a_currency_is_kept_to():
    lines = (("A", 1_000, 1),)
    half = percent("A", 5_000, 1)
    assert discounts(*lines, promotions=[half, fixed("B", 100, 2, minimum_minor=1_000)]) == [600]
    assert discounts(*lines, promotions=[half, fixed("B", 100, 2, minimum_minor=1_001)]) == [500]
    assert discounts(*lines, promotions=[fixed("B", 100, currency="USD")]) == [0]


def test_a_coupon_works_on_what_promotions_left():
    coupon = Coupon(code="C", kind=CouponKind.PERCENTAGE, rate_bp=1_000)
    priced = total(("A", 1_000, 1), ("B", 3_000, 1), promotions=[percent("P", 5_000, skus=("B",))], coupon=coupon)
    assert [line.discount_minor for line in priced.lines] == [100, 1_500 + 150]
    assert [(step.rule, step.base_minor, step.amount_minor, step.source) for step in priced.explanation[3:6]] == [
        ("unit_price_times_quantity", 3_000, 3_000, None),
        ("promotion_percentage", 3_000, -1_500, "P"),
        ("coupon_percentage", 1_500, -150, "C"),
    ]
    assert priced.promotions == ("P",)


def test_one_that_takes_nothing_off_is_not_named():
    assert total(("A", 1_000, 1), promotions=[free("F", 2, 1), percent("P", 1_000)]).promotions == ("P",)


def test_a_promotion_is_in_force_from_its_first_moment_to_just_before_its_end():
    one = percent("P", 1, valid_from=NOW, valid_until=NOW + timedelta(seconds=1))
    moments = (NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1))
    assert [one.in_force(moment) for moment in moments] == [False, True, False]


skus = st.sampled_from("ABCD")
common = {
    "priority": st.integers(0, 3),
    "exclusive": st.booleans(),
    "skus": st.lists(skus, max_size=3, unique=True).map(tuple),
}
promotion = st.one_of(
    st.builds(percent, st.just("?"), st.integers(1, 10_000), **common),
    st.builds(fixed, st.just("?"), st.integers(1, 10**6), **common),
    st.builds(free, st.just("?"), st.integers(1, 3), st.integers(1, 3), **common),
)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.tuples(skus, st.integers(0, 10**5), st.integers(1, 20)), min_size=1, max_size=4),
    promotions=st.lists(promotion, max_size=6),
    data=st.data(),
)
def test_whatever_stacks_no_line_costs_less_than_nothing_and_the_order_of_telling_is_nothing(lines, promotions, data):
    named = [Promotion(**{**_fields(one), "code": f"P{n}"}) for n, one in enumerate(promotions)]
    priced = total(*lines, promotions=named)
    assert all(0 <= line.discount_minor <= line.line_total_minor for line in priced.lines)
    assert priced.total_minor == priced.subtotal_minor - priced.discount_minor >= 0
    assert sum(step.amount_minor for step in priced.explanation) == priced.total_minor
    assert total(*lines, promotions=data.draw(st.permutations(named))) == priced


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.tuples(skus, st.integers(0, 10**5), st.integers(1, 20)), min_size=1, max_size=4),
    promotions=st.lists(promotion, max_size=6),
)
def test_a_line_with_an_exclusive_promotion_has_no_other(lines, promotions):
    named = [Promotion(**{**_fields(one), "code": f"P{n}"}) for n, one in enumerate(promotions)]
    exclusive = {one.code for one in named if one.exclusive}
    lines = [(f"{sku}{n}", price, quantity) for n, (sku, price, quantity) in enumerate(lines)]
    named = [Promotion(**{**_fields(one), "skus": ()}) for one in named]
    got: dict[str, set[str]] = {}
    for step in total(*lines, promotions=named).explanation:
        if step.rule.startswith("promotion_"):
            got.setdefault(step.target, set()).add(step.source)
    assert [codes for codes in got.values() if codes & exclusive and len(codes) > 1] == []


def _fields(one):
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_every_figure_is_explained_by_its_rule_its_base_its_target_and_its_source():
    coupon = Coupon(code="C", kind=CouponKind.PERCENTAGE, rate_bp=1_000)
    goods = [Line("A", 2, 500, "EUR", TaxClass.STANDARD), Line("B", 1, 100, "EUR", TaxClass.ZERO)]
    priced = calculate_order_total(
        goods,
        country="IE",
        shipping=Money(499, "EUR"),
        coupon=coupon,
        promotions=[percent("P", 2_000, skus=("A",)), fixed("F", 100, 200, skus=("B",))],
    )
    assert [
        (step.rule, step.amount_minor, step.base_minor, step.target, step.rate_bp, step.source)
        for step in priced.explanation
    ] == [
        ("unit_price_times_quantity", 1_000, 500, "A", None, None),
        ("promotion_percentage", -200, 1_000, "A", 2_000, "P"),
        ("coupon_percentage", -80, 800, "A", 1_000, "C"),
        ("tax", 166, 720, "A", 2_300, "standard"),
        ("unit_price_times_quantity", 100, 100, "B", None, None),
        ("promotion_fixed", -100, 100, "B", None, "F"),
        ("tax", 0, 0, "B", 0, "zero"),  # no step of the coupon: nothing was left to take off
        ("shipping", 499, 499, "order", None, "IE"),
    ]
    assert [(line.sku, line.quantity, line.unit_price_minor) for line in priced.lines] == [("A", 2, 500), ("B", 1, 100)]
