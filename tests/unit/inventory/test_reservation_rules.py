"""What a hold repeats, what it is refused, and what the refusal says to whoever must act on it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.errors import Kind
from svc.inventory.domain import (
    KNOWN_WITHIN_S,
    SKUS_MAX,
    Hold,
    HoldRequest,
    InsufficientStock,
    InvalidQuantity,
    Line,
    Placement,
    PurchaseLimitExceeded,
    ReservationMismatch,
    StockLevel,
    TooManySkus,
    UnknownSku,
    allocate,
    checked_quantity,
    listed_skus,
    merged,
    untold,
)
from svc.inventory.domain.warehousing import Delivery, mismatch, refused

pytestmark = pytest.mark.service("inventory")

ANN, BOB = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)
LATER = datetime(2026, 11, 27, tzinfo=UTC)


def wish(reservation_id=FIRST, customer_id=ANN, **quantities):
    lines = tuple(Line(sku, quantity) for sku, quantity in sorted(quantities.items()))
    return HoldRequest(reservation_id=reservation_id, customer_id=customer_id, lines=lines, ttl_s=1.0)


def hold(*placements, customer_id=ANN, status="held"):
    return Hold(reservation_id=FIRST, customer_id=customer_id, status=status, expires_at=LATER, placements=placements)


def outcomes(*wishes, levels, existing=None, limits=None, held=None):
    return allocate(wishes, levels=levels, existing=existing or {}, limits=limits or {}, held_by_customer=held or {})


def main(sku="A", units=10):
    return StockLevel("main", sku, units)


def test_a_repeat_gets_the_hold_there_is_wherever_its_units_came_from():
    known = hold(Placement("main", "A", 2), Placement("north", "A", 1), Placement("main", "B", 1))
    assert outcomes(wish(A=3, B=1), levels=[], existing={FIRST: known}) == [known]


@pytest.mark.parametrize("other", [wish(A=2), wish(B=3), wish(A=3, B=1), wish(customer_id=BOB, A=3)])
def test_an_id_that_holds_something_else_is_refused(other):
    known = hold(Placement("main", "A", 3))
    (outcome,) = outcomes(other, levels=[main()], existing={FIRST: known})
    assert type(outcome) is ReservationMismatch
    assert outcome.kind is Kind.UNPROCESSABLE


def test_a_hold_that_was_ended_before_it_was_asked_for_stays_ended_for_whoever_asks():
    ended = hold(status="released")
    assert outcomes(wish(A=1), wish(customer_id=BOB, A=1), levels=[main()], existing={FIRST: ended}) == [ended, ended]


def test_the_same_id_twice_in_a_batch_takes_its_units_once():
    first, again, rest = outcomes(wish(A=2), wish(A=2), wish(SECOND, A=1), levels=[main(units=3)])
    assert first == (Placement("main", "A", 2),)
    assert (again.reservation_id, again.customer_id, again.status) == (FIRST, ANN, "held")
    assert again.placements == first
    assert again.expires_at.tzinfo is UTC
    assert rest == (Placement("main", "A", 1),)


def test_the_same_id_twice_in_a_batch_with_other_lines_is_refused():
    _, other = outcomes(wish(A=2), wish(A=1), levels=[main()])
    assert type(other) is ReservationMismatch


def test_a_sku_that_nobody_has_is_named():
    (outcome,) = outcomes(wish(A=1, GHOST=1), levels=[main()])
    assert type(outcome) is UnknownSku
    assert outcome.extra == {"sku": "GHOST"}


def test_what_is_missing_is_counted():
    (outcome,) = outcomes(wish(A=5), levels=[main(units=2), StockLevel("north", "A", 1)])
    assert type(outcome) is InsufficientStock
    assert outcome.extra == {"sku": "A", "requested": 5, "available": 3}


def test_a_refused_wish_takes_nothing_from_the_next():
    none, some = outcomes(wish(A=1, B=9), wish(SECOND, A=1), levels=[main(units=1), main("B", 1)])
    assert type(none) is InsufficientStock
    assert some == (Placement("main", "A", 1),)


def test_a_limit_per_customer_counts_what_they_hold_and_what_the_batch_gave_them():
    outcome = outcomes(
        wish(A=1), wish(SECOND, A=1), wish(UUID(int=13), BOB, A=3),
        levels=[main()], limits={"A": 3}, held={(ANN, "A"): 2, (ANN, "B"): 9},
    )  # fmt: skip
    assert outcome[0] == (Placement("main", "A", 1),)
    assert type(outcome[1]) is PurchaseLimitExceeded
    assert outcome[1].extra == {"sku": "A", "limit": 3, "already": 3}
    assert outcome[2] == (Placement("main", "A", 3),)


def test_a_limit_of_one_binds_from_the_first_unit_and_other_skus_have_none():
    over, free = outcomes(wish(A=2), wish(SECOND, B=9), levels=[main(), main("B")], limits={"A": 1})
    assert type(over) is PurchaseLimitExceeded
    assert over.extra == {"sku": "A", "limit": 1, "already": 0}
    assert free == (Placement("main", "B", 9),)


def test_units_taken_at_several_places_count_together_for_the_limit():
    levels = [StockLevel("main", "A", 1), StockLevel("north", "A", 5)]
    spread, over = outcomes(wish(A=6), wish(SECOND, A=1), levels=levels, limits={"A": 6})
    assert spread == (Placement("main", "A", 1), Placement("north", "A", 5))
    assert type(over) is PurchaseLimitExceeded
    assert over.extra["already"] == 6


def test_a_shelf_is_drawn_down_only_where_units_were_taken():
    levels = [StockLevel("main", "A", 2), StockLevel("north", "A", 2, priority=1)]
    first, second, third = outcomes(wish(A=2), wish(SECOND, A=2), wish(UUID(int=13), A=1), levels=levels)
    assert (first, second) == ((Placement("main", "A", 2),), (Placement("north", "A", 2),))
    assert type(third) is InsufficientStock
    assert third.extra["available"] == 0


def test_a_warehouse_that_has_exactly_what_is_wished_serves_alone():
    levels = [
        StockLevel("main", "A", 1),
        StockLevel("north", "A", 3, priority=1),
        StockLevel("south", "A", 9, priority=2),
    ]
    assert outcomes(wish(A=3), levels=levels) == [(Placement("north", "A", 3),)]


def test_all_warehouses_that_can_serve_alone_are_compared_over_every_line():
    levels = [
        StockLevel("main", "A", 1), StockLevel("main", "B", 0),
        StockLevel("north", "A", 1, priority=2), StockLevel("north", "B", 1, priority=2),
        StockLevel("south", "A", 1, priority=1), StockLevel("south", "B", 1, priority=1),
    ]  # fmt: skip
    assert outcomes(wish(A=1, B=1), levels=levels) == [(Placement("south", "A", 1), Placement("south", "B", 1))]


def test_of_two_equally_near_warehouses_the_first_by_name_serves():
    levels = [StockLevel("north", "A", 1), StockLevel("main", "A", 1)]
    assert outcomes(wish(A=1), levels=levels) == [(Placement("main", "A", 1),)]


@pytest.mark.parametrize("quantity", [1, 2, 7])
def test_a_quantity_within_its_bounds_is_taken(quantity):
    assert checked_quantity(quantity, sku="A", at_most=7) == quantity


@pytest.mark.parametrize("quantity", [-1, 0, 8])
def test_a_quantity_out_of_its_bounds_is_refused_with_the_bound(quantity):
    with pytest.raises(InvalidQuantity) as refusal:
        checked_quantity(quantity, sku="A", at_most=7)
    assert refusal.value.extra == {"sku": "A", "quantity_max": 7}


def test_a_list_of_skus_names_each_once_in_the_order_given():
    assert listed_skus("B,A,,B,C,") == ["B", "A", "C"]
    assert listed_skus("") == []


def test_a_list_of_too_many_skus_is_refused_and_not_cut():
    most = [f"S{n}" for n in range(SKUS_MAX)]
    assert listed_skus(",".join(most)) == most
    with pytest.raises(TooManySkus) as refusal:
        listed_skus(",".join([*most, "one-more"]))
    assert refusal.value.extra == {"given": SKUS_MAX + 1, "skus_max": SKUS_MAX}


def test_lines_of_one_sku_are_summed_and_sorted():
    assert merged([Line("B", 2), Line("A", 1), Line("B", 3)]) == (Line("A", 1), Line("B", 5))


def test_a_sku_the_catalog_has_not_told_of_may_be_asked_for_again():
    refusal = untold("NEW")
    assert refusal.extra == {"sku": "NEW", "retry_after_s": KNOWN_WITHIN_S}
    assert "'NEW'" in refusal.detail


def a_delivery(sku="A", quantity=1, reference="r1", warehouse="main"):
    return Delivery(sku=sku, quantity=quantity, reference=reference, warehouse=warehouse)


def test_every_bad_row_of_a_delivery_is_told_and_none_spoils_the_next():
    rows = [
        a_delivery(quantity=0),
        a_delivery("GHOST", reference="r2"),
        a_delivery(reference="r3"),
        a_delivery(reference="r3", warehouse="north"),
        a_delivery(reference="r3"),
        a_delivery(quantity=1_000_000, reference="r4"),
        a_delivery(quantity=1_000_001, reference="r5"),
    ]
    refusals = refused(rows, frozenset({"GHOST"}))
    assert {place: refusal.code for place, refusal in refusals.items()} == {
        0: "invalid_quantity", 1: "unknown_sku", 3: "receipt_mismatch", 6: "invalid_quantity",
    }  # fmt: skip
    assert refusals[0].extra == {"sku": "A", "quantity_max": 1_000_000}
    assert refusals[1].extra["sku"] == "GHOST"
    assert refusals[3].extra == {"reference": "r3"}


def test_a_reference_of_another_receipt_is_named():
    assert mismatch("r7").extra == {"reference": "r7"}
    assert "'r7'" in mismatch("r7").detail


def test_a_line_that_no_warehouse_has_alone_is_taken_from_the_nearest_first():
    levels = [
        StockLevel("north", "A", 2, priority=1, ranks={"SE": 0}),
        StockLevel("south", "A", 2, priority=0, ranks={"SE": 5}),
    ]
    far = HoldRequest(reservation_id=FIRST, customer_id=ANN, lines=(Line("A", 3),), ttl_s=1.0, destination="SE")
    assert outcomes(far, levels=levels) == [(Placement("north", "A", 2), Placement("south", "A", 1))]
    assert outcomes(wish(A=3), levels=levels) == [(Placement("south", "A", 2), Placement("north", "A", 1))]


def test_a_wish_for_nothing_gets_nothing():
    assert outcomes(wish(), levels=[main()]) == [()]


def test_a_refusal_says_in_words_what_its_members_say():
    levels = [main(units=2)]
    short, ghost = outcomes(wish(A=3), wish(SECOND, GHOST=1), levels=levels)
    (limited,) = outcomes(wish(A=2), levels=levels, limits={"A": 1})
    assert short.detail == "only 2 of A left"
    assert ghost.detail == "there is no SKU 'GHOST'"
    assert limited.detail == "at most 1 of A per customer"
