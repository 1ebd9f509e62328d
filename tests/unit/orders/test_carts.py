from uuid import UUID

import pytest

from shared.tax_classes import TaxClass
from svc.orders.domain.cart import (
    LINE_QUANTITY_MAX,
    LINES_MAX,
    CartLine,
    LineLimitExceeded,
    merge_lines,
    sum_lines,
)
from svc.orders.domain.draft import Address, Draft, DraftLine, decode_draft, encode_draft, order_id_of

pytestmark = pytest.mark.service("orders")


def test_a_customer_and_a_key_name_one_order():
    customer_id = UUID(int=1)
    assert order_id_of(customer_id, "k1") == order_id_of(customer_id, "k1")
    assert order_id_of(customer_id, "k1") != order_id_of(customer_id, "k2")
    assert order_id_of(customer_id, "k1") != order_id_of(UUID(int=2), "k1")


def test_the_id_of_an_order_is_the_same_in_every_release():
    assert str(order_id_of(UUID(int=1), "k1")) == "809763f1-07b3-5a07-8e74-9e487bca0e68"


def test_a_draft_reads_back_as_it_was_kept():
    line = DraftLine("A", UUID(int=2), "A thing", 2, 500, TaxClass.REDUCED, 1_000, 100, 122)
    draft = Draft(
        currency="EUR", lines=(line,), subtotal_minor=1_000, discount_minor=100, tax_minor=122, shipping_minor=499,
        shipping_method="standard", total_minor=1_521, explanation=(), order_id=UUID(int=3), customer_id=UUID(int=1),
        email="ann@example.com", scope="s", key="k", payment_method="tok_visa",
        shipping_address=Address(name="Ann", line1="1 Road", city="Dublin", postal_code="D01", country="IE"),
    )  # fmt: skip
    assert decode_draft(encode_draft(draft)) == draft


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


def test_merging_keeps_the_greater_quantity_whichever_side_has_it():
    assert quantities(merge_lines(lines(A=5), lines(A=2))) == {"A": 5}


def test_merging_equal_quantities_keeps_what_the_own_cart_was_shown():
    own, other = CartLine("A", 2, "A thing", 500, "EUR"), CartLine("A", 2, "A thing", 400, "EUR")
    assert merge_lines([own], [other]) == [own]


def test_a_line_may_reach_its_limit():
    assert quantities(sum_lines(lines(A=LINE_QUANTITY_MAX))) == {"A": LINE_QUANTITY_MAX}
