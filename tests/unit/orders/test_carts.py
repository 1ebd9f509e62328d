from uuid import UUID

import pytest

from svc.orders.domain.cart import (
    LINE_QUANTITY_MAX,
    LINES_MAX,
    CartLine,
    LineLimitExceeded,
    merge_lines,
    sum_lines,
)
from svc.orders.domain.draft import order_id_of

pytestmark = pytest.mark.service("orders")


def test_a_customer_and_a_key_name_one_order():
    customer_id = UUID(int=1)
    assert order_id_of(customer_id, "k1") == order_id_of(customer_id, "k1")
    assert order_id_of(customer_id, "k1") != order_id_of(customer_id, "k2")
    assert order_id_of(customer_id, "k1") != order_id_of(UUID(int=2), "k1")


def lines(**quantities):
    return [CartLine(sku, quantity) for sku, quantity in quantities.items()]


def quantities(merged):
    return {line.sku: line.quantity for line in merged}


def test_merging_keeps_one_line_per_sku_with_the_greater_quantity():
    assert quantities(merge_lines(lines(A=1, B=3), lines(A=2, C=1))) == {"A": 2, "B": 3, "C": 1}


def test_merging_the_same_cart_again_changes_nothing():
    once = merge_lines(lines(A=1), lines(A=2, B=1))
    assert merge_lines(once, lines(A=2, B=1)) == once


def test_wishes_for_one_sku_are_summed_and_sorted():
    assert [(line.sku, line.quantity) for line in sum_lines([*lines(B=1, A=2), CartLine("B", 4)])] == [
        ("A", 2),
        ("B", 5),
    ]


def test_a_line_has_a_limit_even_when_it_is_reached_in_steps():
    with pytest.raises(LineLimitExceeded):
        sum_lines([CartLine("A", LINE_QUANTITY_MAX), CartLine("A", 1)])


def test_a_cart_has_a_limit_of_lines():
    full = [CartLine(f"S{n}", 1) for n in range(LINES_MAX)]
    assert len(merge_lines(full, [])) == LINES_MAX
    with pytest.raises(LineLimitExceeded):
        merge_lines(full, [CartLine("one-more", 1)])
