import itertools
from importlib import util
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import svc.orders
from svc.orders.domain.order import (
    CANCELLABLE,
    TRANSITIONS,
    Facts,
    OrderAlreadyShipped,
    OrderNotCancellable,
    OrderStatus,
    Parcel,
    State,
    check_cancellable,
    walk,
)
from svc.orders.store.history import parcel_of

pytestmark = pytest.mark.service("orders")

RESERVED = State(status=OrderStatus.RESERVED)
NEW = Facts(total_minor=100)


def path(facts, state=RESERVED):
    return [step.status.value for step in walk(state, facts)]


def test_a_captured_payment_makes_an_order_paid():
    assert path(msgspec.structs.replace(NEW, captured_minor=100)) == ["paid"]


def test_a_capture_of_another_sum_pays_nothing():
    assert path(msgspec.structs.replace(NEW, captured_minor=99)) == []


def test_no_capture_is_not_a_capture_of_nothing():
    assert path(Facts(total_minor=0)) == []


def test_a_failed_payment_cancels():
    assert path(msgspec.structs.replace(NEW, payment_failed=True)) == ["payment_failed", "cancelled"]


def test_lost_stock_cancels_a_paid_order():
    facts = msgspec.structs.replace(NEW, captured_minor=100)
    (paid,) = walk(RESERVED, facts)
    assert path(msgspec.structs.replace(facts, stock_lost=True), paid) == ["cancelled"]


def test_a_delivery_walks_through_every_status_between():
    facts = msgspec.structs.replace(NEW, captured_minor=100, parcel=Parcel.DELIVERED)
    assert path(facts) == ["paid", "fulfilling", "shipped", "delivered", "completed"]


def test_a_parcel_seen_before_its_payment_waits_for_it():
    assert path(msgspec.structs.replace(NEW, parcel=Parcel.DISPATCHED)) == []


def test_stock_lost_after_hand_over_cancels_nothing():
    facts = msgspec.structs.replace(NEW, captured_minor=100, parcel=Parcel.DISPATCHED, stock_lost=False)
    shipped = walk(RESERVED, facts)[-1]
    assert path(msgspec.structs.replace(facts, stock_lost=True), shipped) == []


def test_a_full_refund_ends_an_order():
    facts = msgspec.structs.replace(NEW, captured_minor=100, refunded_minor=100)
    assert path(facts) == ["paid", "refunded"]


def test_a_partial_refund_does_not_stop_the_goods():
    facts = msgspec.structs.replace(NEW, captured_minor=100, refunded_minor=40)
    partly = walk(RESERVED, facts)[-1]
    assert partly.status is OrderStatus.PARTIALLY_REFUNDED
    arrived = msgspec.structs.replace(facts, parcel=Parcel.DELIVERED)
    assert path(arrived, partly) == ["fulfilling", "shipped", "delivered", "completed", "partially_refunded"]


def test_a_second_partial_refund_is_shown_again_and_the_last_one_ends_it():
    facts = msgspec.structs.replace(NEW, captured_minor=100, refunded_minor=40)
    partly = walk(RESERVED, facts)[-1]
    assert path(msgspec.structs.replace(facts, refunded_minor=60), partly) == ["partially_refunded"]
    assert path(msgspec.structs.replace(facts, refunded_minor=100), partly) == ["refunded"]


def test_a_refund_after_cancellation_moves_nothing():
    cancelled = State(status=OrderStatus.CANCELLED)
    assert path(msgspec.structs.replace(NEW, captured_minor=100, refunded_minor=100), cancelled) == []


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_orders_before_hand_over_can_be_cancelled(status):
    if status in CANCELLABLE:
        check_cancellable(status)
        assert TRANSITIONS.allows(status, OrderStatus.CANCELLED)
        return
    late = status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.COMPLETED}
    with pytest.raises(OrderAlreadyShipped if late else OrderNotCancellable):
        check_cancellable(status)


def test_goods_are_on_their_way_with_the_first_parcel_and_delivered_with_the_last():
    assert parcel_of(1, 1) is Parcel.CREATED
    assert parcel_of(1, 2) is Parcel.DISPATCHED
    assert parcel_of(1, 3) is Parcel.DISPATCHED
    assert parcel_of(3, 3) is Parcel.DELIVERED


def test_the_database_knows_the_same_moves_as_the_domain():
    file = Path(svc.orders.__file__).parent / "migrations/versions/0001_orders.py"
    spec = util.spec_from_file_location("migration", file)
    migration = util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    moves = {(source.value, target.value) for source, targets in TRANSITIONS.rows().items() for target in targets}
    assert set(migration.MOVES) == moves


FACT = st.sampled_from(
    [
        ("captured_minor", 100),
        ("parcel", Parcel.CREATED),
        ("parcel", Parcel.DISPATCHED),
        ("parcel", Parcel.DELIVERED),
        ("refunded_minor", 30),
        ("refunded_minor", 100),
        ("payment_failed", True),
        ("stock_lost", True),
        ("cancel_wanted", True),
        ("recalled", True),
    ]
)


def learn(facts, name, value):
    known = getattr(facts, name)
    return msgspec.structs.replace(facts, **{name: value if known is None else max(known, value)})


def end_of(arrivals):
    state, facts = RESERVED, NEW
    for name, value in arrivals:
        facts = learn(facts, name, value)
        steps = walk(state, facts)
        for before, after in itertools.pairwise([state, *steps]):
            assert TRANSITIONS.allows(before.status, after.status)
        state = steps[-1] if steps else state
    assert walk(state, facts) == [], "the facts lead no further"
    return state


@settings(max_examples=400, deadline=None)
@given(arrivals=st.lists(FACT, max_size=8))
def test_any_arrival_of_facts_makes_only_legal_moves_and_comes_to_rest(arrivals):
    end_of(arrivals)


@settings(max_examples=300, deadline=None)
@given(
    arrivals=st.permutations(
        [("captured_minor", 100), ("parcel", 1), ("parcel", 2), ("parcel", 3), ("refunded_minor", 30)]
    )
)
def test_the_end_does_not_depend_on_the_order_of_arrival(arrivals):
    named = [(name, Parcel(value) if name == "parcel" else value) for name, value in arrivals]
    assert end_of(named).status is OrderStatus.PARTIALLY_REFUNDED
    assert end_of(named).parcel_shown is Parcel.COMPLETED


@pytest.mark.parametrize("parcel", [Parcel.CREATED, Parcel.DISPATCHED, Parcel.DELIVERED])
def test_an_operator_takes_back_a_sale_even_after_hand_over(parcel):
    facts = Facts(total_minor=100, captured_minor=100, parcel=parcel)
    sold = walk(State(status=OrderStatus.RESERVED), facts)[-1]
    recalled = msgspec.structs.replace(facts, recalled=True)
    assert [step.status for step in walk(sold, recalled)] == [OrderStatus.CANCELLED]
