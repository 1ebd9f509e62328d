from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.inventory.domain import HoldRequest, InsufficientStock, Line, Placement, StockLevel, allocate
from svc.inventory.domain.warehousing import Delivery, refused

pytestmark = pytest.mark.service("inventory")

NORTH = {"priority": 2, "ranks": {"SE": 0}}
SOUTH = {"priority": 1, "ranks": {"IT": 0, "SE": 9}}


def shelf(warehouse, sku, units, *, backorder_max=0, priority=0, ranks=None):
    return StockLevel(warehouse, sku, units, backorder_max, priority, ranks or {})


def wish(destination="", **quantities):
    lines = tuple(Line(sku, quantity) for sku, quantity in sorted(quantities.items()))
    return HoldRequest(reservation_id=uuid4(), customer_id=UUID(int=1), lines=lines, ttl_s=1.0, destination=destination)


def served(levels, *wishes):
    """What each wish gets, as (warehouse, SKU, units), or the class of its refusal."""
    outcomes = allocate(wishes, levels=levels, existing={}, limits={}, held_by_customer={})
    return [
        {(one.warehouse, one.sku, one.quantity) for one in outcome} if isinstance(outcome, tuple) else type(outcome)
        for outcome in outcomes
    ]


@pytest.mark.parametrize(
    ("destination", "warehouse"), [("SE", "north"), ("IT", "south"), ("DE", "south"), ("", "south")]
)
def test_the_nearest_warehouse_serves_and_elsewhere_the_first_by_priority(destination, warehouse):
    levels = [shelf("north", "A", 5, **NORTH), shelf("south", "A", 5, **SOUTH)]
    assert served(levels, wish(destination, A=2)) == [{(warehouse, "A", 2)}]


def test_one_warehouse_that_has_everything_goes_before_a_nearer_one_that_has_not():
    levels = [
        shelf("north", "A", 5, **NORTH), shelf("north", "B", 5, **NORTH),
        shelf("south", "A", 5, **SOUTH), shelf("south", "B", 1, **SOUTH),
    ]  # fmt: skip
    assert served(levels, wish("IT", A=2, B=2)) == [{("north", "A", 2), ("north", "B", 2)}]
    assert served(levels, wish("IT", A=2, B=6)) == [{("south", "A", 2), ("south", "B", 1), ("north", "B", 5)}]


def test_what_one_buyer_took_the_next_does_not_get():
    levels = [shelf("north", "A", 2, **NORTH), shelf("south", "A", 2, **SOUTH)]
    assert served(levels, wish("SE", A=2), wish("SE", A=2), wish("SE", A=1)) == [
        {("north", "A", 2)}, {("south", "A", 2)}, InsufficientStock,
    ]  # fmt: skip


def test_units_are_sold_ahead_only_when_every_shelf_is_empty_and_never_beyond_the_bound():
    levels = [shelf("north", "A", 1, backorder_max=2, **NORTH), shelf("south", "A", 1, **SOUTH)]
    assert served(levels, wish("SE", A=3), wish("SE", A=1), wish("SE", A=1)) == [
        {("north", "A", 2), ("south", "A", 1)}, {("north", "A", 1)}, InsufficientStock,
    ]  # fmt: skip
    owed = shelf("north", "A", -3, backorder_max=2)  # the bound was lowered below what safety stock keeps
    assert served([owed], wish(A=1)) == [InsufficientStock]


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_no_shelf_gives_more_than_it_may_and_nobody_is_refused_what_is_there(shelves, wishes):
    levels = [
        shelf(f"w{place}", "A", units, backorder_max=ahead, priority=priority)
        for place, (units, ahead, priority) in enumerate(shelves)
    ]
    left = {level.warehouse: level.room for level in levels}
    for quantity, outcome in zip(wishes, served(levels, *(wish(A=quantity) for quantity in wishes)), strict=True):
        if outcome is InsufficientStock:
            assert sum(left.values()) < quantity
            continue
        assert sum(units for _, _, units in outcome) == quantity
        assert len({warehouse for warehouse, _, _ in outcome}) == len(outcome)
        for warehouse, _, units in outcome:
            left[warehouse] -= units
        assert min(left.values()) >= 0


def test_a_placement_names_each_warehouse_once():
    (outcome,) = allocate(
        [wish(A=3)], levels=[shelf("north", "A", 1, backorder_max=5)], existing={}, limits={}, held_by_customer={}
    )
    assert outcome == (Placement("north", "A", 3),)


def test_a_list_of_deliveries_is_refused_row_by_row():
    def delivery(sku="A", quantity=1, reference="r1"):
        return Delivery(sku=sku, quantity=quantity, reference=reference, warehouse="main")

    rows = [
        delivery(),
        delivery(),
        delivery(quantity=2),
        delivery("GHOST", 1, "r2"),
        delivery(quantity=0, reference="r3"),
    ]
    assert {place: refusal.code for place, refusal in refused(rows, frozenset({"GHOST"})).items()} == {
        2: "receipt_mismatch", 3: "unknown_sku", 4: "invalid_quantity",
    }  # fmt: skip
