"""What is owed for goods that came back: their share to the cent, and for all of them everything."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.orders.domain.draft import DraftLine
from svc.orders.domain.returns import due_for_return

pytestmark = pytest.mark.service("orders")

SHIPPING_MINOR = 499


def line(sku, quantity, *, total=0, discount=0, tax=0):
    return DraftLine(sku, UUID(int=1), sku, quantity, 0, "standard", total, discount, tax)


def total_of(lines):
    return SHIPPING_MINOR + sum(one.line_total_minor - one.discount_minor + one.tax_minor for one in lines)


def owed(lines, *parcels):
    """What is owed for each parcel, one after another."""
    before, given_minor, amounts = dict[str, int](), 0, []
    for came in parcels:
        due = due_for_return(lines, total_minor=total_of(lines), came=came, before=before, given_minor=given_minor)
        before = {one.sku: before.get(one.sku, 0) + due.units.get(one.sku, 0) for one in lines}
        given_minor += due.amount_minor
        amounts.append(due.amount_minor)
    return amounts


LINES = (line("A", 3, total=1_000, discount=100, tax=171), line("B", 1, total=2_500, tax=475))


def test_an_order_that_comes_back_whole_is_worth_all_that_was_paid():
    assert owed(LINES, {"A": 3, "B": 1}) == [total_of(LINES)]


def test_a_line_that_comes_back_is_worth_its_price_less_its_discount_plus_its_tax_and_no_shipping():
    assert owed(LINES, {"B": 1}) == [2_975]


def test_units_of_a_line_are_worth_its_share_and_the_last_what_rounding_left():
    assert owed(LINES, {"A": 1}, {"A": 1}, {"A": 1}) == [357, 357, 357]
    odd = (line("A", 3, total=1_000), line("B", 1))
    assert owed(odd, {"A": 1}, {"A": 1}, {"A": 1}) == [333, 333, 334]


def test_the_last_unit_brings_the_shipping():
    assert owed(LINES, {"B": 1}, {"A": 3}) == [2_975, 1_071 + SHIPPING_MINOR]


def test_what_was_not_sold_and_what_came_back_before_is_worth_nothing():
    assert owed(LINES, {"B": 9, "GHOST": 1}, {"B": 1}) == [2_975, 0]
    assert owed(LINES, {"A": 3, "B": 1}, {"A": 3, "B": 1}) == [total_of(LINES), 0]


units = st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 12), max_size=4)
priced = st.tuples(st.integers(1, 9), st.integers(0, 99_999), st.integers(0, 99_999), st.integers(0, 20_000))


@given(st.lists(priced, min_size=1, max_size=4), st.lists(units, max_size=8))
def test_whatever_comes_back_in_whatever_parcels_the_whole_is_worth_the_total_and_no_part_is_negative(figures, parcels):
    lines = [
        line(sku, quantity, total=total, discount=min(discount, total), tax=tax)
        for sku, (quantity, total, discount, tax) in zip("ABCD", figures, strict=False)
    ]
    everything = {one.sku: one.quantity for one in lines}
    amounts = owed(lines, *parcels, everything)
    assert all(amount >= 0 for amount in amounts)
    assert sum(amounts) == total_of(lines)
