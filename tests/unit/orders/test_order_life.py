import itertools
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.checkers.legal_transitions import CORRECTIONS, ORDER_MOVES, RECALLS
from svc.orders.domain.machines import (
    MOVES,
    ORDER,
    PAYMENT,
    REFUND,
    SHIPMENT,
    SHIPMENT_WAY,
    OrderState,
    OrderStatus,
    PaymentState,
    RefundState,
    ShipmentState,
    displayed,
    fulfilment_of,
    legal_moves,
    possible,
)
from svc.orders.domain.order import (
    SHIPMENTS_MAX,
    Facts,
    OrderAlreadyShipped,
    OrderNotCancellable,
    Shipment,
    State,
    Withholding,
    check_cancellable,
    report,
    walk,
)

pytestmark = pytest.mark.service("orders")

RESERVED = State()
NEW = Facts(total_minor=100)
PAID = msgspec.structs.replace(NEW, captured_minor=100)
ONE, OTHER = UUID(int=1), UUID(int=2)
CREATED, DISPATCHED, DELIVERED = ShipmentState.CREATED, ShipmentState.DISPATCHED, ShipmentState.DELIVERED


def with_(facts, **more):
    return msgspec.structs.replace(facts, **more)


def seen(state, reported, shipment_id=ONE):
    return report(state, Shipment(id=shipment_id, carrier="c", tracking_number="T", reported=reported))


def path(facts, state=RESERVED):
    statuses = [state.status, *(step.status for step in walk(state, facts))]
    return [after.value for before, after in itertools.pairwise(statuses) if before is not after]


def end(facts, state=RESERVED):
    return [state, *walk(state, facts)][-1]


def test_a_captured_payment_makes_an_order_paid_in_one_step():
    (paid,) = walk(RESERVED, PAID)
    assert (paid.order, paid.payment, paid.status) == (OrderState.ACCEPTED, PaymentState.CAPTURED, OrderStatus.PAID)


def test_a_capture_of_another_sum_pays_nothing():
    assert path(with_(NEW, captured_minor=99)) == []


def test_no_capture_is_not_a_capture_of_nothing():
    assert path(Facts(total_minor=0)) == []


def test_a_failed_payment_cancels():
    assert path(with_(NEW, payment_failed=True)) == ["payment_failed", "cancelled"]


def test_a_delivery_walks_through_every_status_between():
    assert path(PAID, seen(RESERVED, DELIVERED)) == ["paid", "fulfilling", "shipped", "delivered", "completed"]


def test_a_parcel_seen_before_its_payment_waits_for_it():
    assert path(NEW, seen(RESERVED, DISPATCHED)) == []


def test_an_unpaid_order_is_cancelled_at_once():
    assert path(with_(NEW, cancel_wanted=True)) == ["cancelled"]


@pytest.mark.parametrize("wish", [{"cancel_wanted": True}, {"stock_lost": True}, {"refunded_minor": 100}])
def test_a_paid_order_is_undone_only_when_shipping_has_said_that_the_goods_are_here(wish):
    paid = end(PAID, seen(RESERVED, CREATED))
    wanted = with_(PAID, **wish)
    assert path(wanted, paid)[-1] == "cancelling"
    cancelling = end(wanted, paid)
    assert path(wanted, cancelling) == []
    kept = end(with_(wanted, withholding=Withholding.WITHHELD), cancelling)
    assert kept.order is OrderState.CANCELLED
    assert [shipment.state for shipment in kept.shipments] == [ShipmentState.WITHHELD]


@pytest.mark.parametrize("wish", [{"cancel_wanted": True}, {"stock_lost": True}, {"refunded_minor": 100}])
def test_a_paid_order_goes_on_when_shipping_says_it_is_too_late(wish):
    cancelling = end(with_(PAID, **wish), end(PAID, seen(RESERVED, CREATED)))
    late = with_(PAID, **wish, withholding=Withholding.TOO_LATE)
    on = end(late, cancelling)
    assert on.order is OrderState.ACCEPTED
    assert end(late, seen(on, DELIVERED)).order is OrderState.COMPLETED


def test_a_hand_over_heard_of_while_cancelling_is_as_good_as_the_answer():
    cancelling = end(with_(PAID, cancel_wanted=True), end(PAID, seen(RESERVED, CREATED)))
    assert path(with_(PAID, cancel_wanted=True), seen(cancelling, DISPATCHED)) == ["fulfilling", "shipped"]


def test_stock_lost_after_hand_over_cancels_nothing():
    shipped = end(PAID, seen(RESERVED, DISPATCHED))
    assert path(with_(PAID, stock_lost=True), shipped) == []


def test_a_partial_refund_does_not_stop_the_goods():
    facts = with_(PAID, refunded_minor=40)
    partly = end(facts)
    assert partly.status is OrderStatus.PARTIALLY_REFUNDED
    assert path(facts, seen(partly, DELIVERED)) == ["shipped", "delivered", "partially_refunded"]


def test_a_partly_refunded_order_can_be_cancelled_and_recalled():
    facts = with_(PAID, refunded_minor=40)
    partly = end(facts)
    check_cancellable(partly, facts)
    assert path(with_(facts, cancel_wanted=True), partly) == ["cancelling"]
    assert path(with_(facts, recalled=True), partly) == ["cancelling"]


def test_a_full_refund_after_delivery_ends_an_order_as_refunded():
    completed = end(PAID, seen(RESERVED, DELIVERED))
    assert path(with_(PAID, refunded_minor=100), completed) == ["refunded"]


def test_a_refund_after_cancellation_is_recorded_and_shows_nothing():
    cancelled = end(with_(NEW, cancel_wanted=True))
    facts = with_(NEW, cancel_wanted=True, captured_minor=100, refunded_minor=100)
    assert path(facts, cancelled) == []
    assert end(facts, cancelled).refund is RefundState.FULL


@pytest.mark.parametrize("reported", [DISPATCHED, DELIVERED])
def test_an_operator_takes_back_a_sale_even_after_hand_over(reported):
    sold = end(PAID, seen(RESERVED, reported))
    with pytest.raises(OrderAlreadyShipped):
        check_cancellable(sold, PAID)
    assert path(with_(PAID, recalled=True), sold) == ["cancelling", "cancelled"]


def test_a_recall_asks_for_goods_that_may_still_be_here():
    sold = end(PAID, seen(RESERVED, CREATED))
    recalled = with_(PAID, recalled=True)
    assert path(recalled, sold) == ["cancelling"]
    for answer in (Withholding.WITHHELD, Withholding.TOO_LATE):
        assert path(with_(recalled, withholding=answer), end(recalled, sold)) == ["cancelled"]


def test_an_order_whose_money_is_back_cannot_be_cancelled_otherwise():
    refunded = State(order=OrderState.ACCEPTED, payment=PaymentState.CAPTURED, refund=RefundState.FULL)
    with pytest.raises(OrderNotCancellable):
        check_cancellable(refunded, with_(PAID, refunded_minor=100))


def test_goods_are_on_their_way_with_the_first_parcel_and_delivered_with_the_last():
    assert fulfilment_of([]) is ShipmentState.ANNOUNCED
    assert fulfilment_of([CREATED, CREATED]) is CREATED
    assert fulfilment_of([CREATED, DISPATCHED]) is DISPATCHED
    assert fulfilment_of([CREATED, DELIVERED]) is DISPATCHED
    assert fulfilment_of([DELIVERED, DELIVERED]) is DELIVERED
    assert fulfilment_of([ShipmentState.WITHHELD, DELIVERED]) is DELIVERED


def test_the_judge_knows_the_same_moves_of_the_displayed_status_as_the_fleet():
    judged = {(before, after) for before, following in ORDER_MOVES.items() for after in following if before}
    assert judged | RECALLS | CORRECTIONS == {
        (before, after) for machine, before, after in MOVES if machine == "status"
    }


FACT = st.sampled_from(
    [
        ("captured_minor", 100),
        ("captured_minor", 90),
        *itertools.product((ONE, OTHER), (CREATED, DISPATCHED, DELIVERED)),
        ("refunded_minor", 30),
        ("refunded_minor", 100),
        ("payment_failed", True),
        ("stock_lost", True),
        ("cancel_wanted", True),
        ("recalled", True),
        ("withholding", Withholding.WITHHELD),
        ("withholding", Withholding.TOO_LATE),
    ]
)


def learn(state, facts, name, value):
    if isinstance(name, UUID):
        return seen(state, value, name), facts
    known = getattr(facts, name)
    if name == "withholding":
        news = value if state.order is OrderState.CANCELLING else known
    else:
        news = value if known is None else max(known, value)
    return state, with_(facts, **{name: news})


def is_move(table, before, after):
    return before is after or table.allows(before, after)


def end_of(arrivals):
    state, facts = RESERVED, NEW
    for name, value in arrivals:
        state, facts = learn(state, facts, name, value)
        steps = walk(state, facts)
        for before, after in itertools.pairwise([state, *steps]):
            assert is_move(ORDER, before.order, after.order)
            assert is_move(PAYMENT, before.payment, after.payment)
            assert is_move(REFUND, before.refund, after.refund)
            for one, other in zip(before.shipments, after.shipments, strict=True):
                assert is_move(SHIPMENT, one.state, other.state)
            assert possible(after.order, after.payment, after.refund, after.fulfilment)
            shown = (before.status.value, after.status.value)
            assert before.status is after.status or ("status", *shown) in MOVES, shown
        state = steps[-1] if steps else state
    assert walk(state, facts) == [], "the facts lead no further"
    return state


@settings(max_examples=600, deadline=None)
@given(arrivals=st.lists(FACT, max_size=9))
def test_any_arrival_of_facts_makes_only_legal_moves_and_comes_to_rest(arrivals):
    end_of(arrivals)


@settings(max_examples=300, deadline=None)
@given(
    arrivals=st.permutations(
        [("captured_minor", 100), *[(ONE, state) for state in SHIPMENT_WAY[1:]], ("refunded_minor", 30)]
    )
)
def test_the_end_does_not_depend_on_the_order_of_arrival(arrivals):
    last = end_of(arrivals)
    assert (last.order, last.refund, last.status) == (
        OrderState.COMPLETED,
        RefundState.PARTIAL,
        OrderStatus.PARTIALLY_REFUNDED,
    )


def test_every_possible_state_has_one_displayed_status():
    for state in itertools.product(OrderState, PaymentState, RefundState, SHIPMENT_WAY):
        if possible(*state):
            assert displayed(*state) in OrderStatus


def test_the_legal_moves_follow_from_the_machines():
    assert legal_moves() == MOVES
    assert ("order", "reserved", "accepted") in MOVES
    assert ("status", "paid", "fulfilling") in MOVES
    assert len(set(MOVES)) == len(MOVES)


ALL = list(itertools.product(PaymentState, RefundState, SHIPMENT_WAY))


@pytest.mark.parametrize(
    ("order", "stands"),
    [
        (
            OrderState.PENDING,
            lambda *state: state == (PaymentState.PENDING, RefundState.NONE, ShipmentState.ANNOUNCED),
        ),
        (OrderState.RESERVED, lambda _, refund, way: refund is RefundState.NONE and way is ShipmentState.ANNOUNCED),
        (OrderState.ACCEPTED, lambda payment, *_: payment is PaymentState.CAPTURED),
        (OrderState.CANCELLING, lambda payment, *_: payment is PaymentState.CAPTURED),
        (
            OrderState.COMPLETED,
            lambda payment, _, way: payment is PaymentState.CAPTURED and way in {DISPATCHED, DELIVERED},
        ),
        (OrderState.CANCELLED, lambda *_: True),
    ],
)
def test_which_machines_may_stand_together(order, stands):
    assert [state for state in ALL if possible(order, *state)] == [state for state in ALL if stands(*state)]


def test_a_stored_order_that_was_not_reserved_yet_goes_the_whole_way():
    pending = State(order=OrderState.PENDING)
    assert [(step.order, step.payment) for step in walk(pending, PAID)] == [
        (OrderState.PENDING, PaymentState.CAPTURED),
        (OrderState.RESERVED, PaymentState.CAPTURED),
        (OrderState.ACCEPTED, PaymentState.CAPTURED),
    ]
    assert [step.order for step in walk(pending, NEW)] == [OrderState.RESERVED]


def test_a_withheld_parcel_does_not_stop_the_others():
    withheld = Shipment(id=ONE, carrier="c", tracking_number="T", reported=CREATED, state=ShipmentState.WITHHELD)
    moving = Shipment(id=OTHER, carrier="c", tracking_number="T", reported=DISPATCHED)
    state = State(order=OrderState.ACCEPTED, payment=PaymentState.CAPTURED, shipments=(withheld, moving))
    assert [one.state for one in end(PAID, state).shipments] == [ShipmentState.WITHHELD, DISPATCHED]


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (seen(RESERVED, DISPATCHED), PAID),
        (State(order=OrderState.ACCEPTED), with_(PAID, withholding=Withholding.TOO_LATE)),
        (State(order=OrderState.COMPLETED), PAID),
    ],
    ids=["handed over", "shipping said so", "completed"],
)
def test_what_left_the_house_is_not_cancelled(state, facts):
    with pytest.raises(OrderAlreadyShipped):
        check_cancellable(state, facts)


def test_an_order_has_so_many_parcels_and_not_one_more():
    state = RESERVED
    for number in range(SHIPMENTS_MAX):
        state = seen(state, CREATED, UUID(int=100 + number))
    assert len(state.shipments) == SHIPMENTS_MAX
    with pytest.raises(AssertionError):
        seen(state, CREATED, ONE)
