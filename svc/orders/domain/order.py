"""The life of an order: which status may follow which, and how the facts known so far move it.

Facts come from several topics in any order. Status is a fold over them: each step looks only at the present state
and at all facts, so that the order of their arrival does not matter.
"""

from enum import IntEnum, StrEnum

import msgspec

from shared.errors import Kind, Refusal
from shared.state_machine import TransitionTable

WALK_STEPS_MAX = 12


class OrderNotFound(Refusal):
    code = "order_not_found"
    kind = Kind.NOT_FOUND


class OrderAlreadyShipped(Refusal):
    code = "order_already_shipped"
    kind = Kind.CONFLICT


class OrderNotCancellable(Refusal):
    code = "order_not_cancellable"
    kind = Kind.CONFLICT


class OrderStatus(StrEnum):
    PENDING = "pending"
    RESERVED = "reserved"
    PAID = "paid"
    FULFILLING = "fulfilling"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PAYMENT_FAILED = "payment_failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


_S = OrderStatus
_REFUNDS = {_S.REFUNDED, _S.PARTIALLY_REFUNDED}

TRANSITIONS = TransitionTable(
    {
        _S.PENDING: {_S.RESERVED},
        _S.RESERVED: {_S.PAID, _S.PAYMENT_FAILED, _S.CANCELLED},
        _S.PAYMENT_FAILED: {_S.CANCELLED},
        _S.PAID: {_S.FULFILLING, _S.CANCELLED, *_REFUNDS},
        _S.FULFILLING: {_S.SHIPPED, _S.CANCELLED, *_REFUNDS},
        _S.SHIPPED: {_S.DELIVERED, _S.CANCELLED, *_REFUNDS},
        _S.DELIVERED: {_S.COMPLETED, _S.CANCELLED, *_REFUNDS},
        _S.COMPLETED: {_S.CANCELLED, *_REFUNDS},
        _S.PARTIALLY_REFUNDED: {_S.FULFILLING, _S.SHIPPED, _S.DELIVERED, _S.COMPLETED, *_REFUNDS},
        _S.CANCELLED: set(),
        _S.REFUNDED: set(),
    }
)
CANCELLABLE = (_S.RESERVED, _S.PAID, _S.FULFILLING)
RECALLABLE = (*CANCELLABLE, _S.SHIPPED, _S.DELIVERED, _S.COMPLETED)
"""What an operator may still take back, when the goods should never have been sold."""
_CANCEL_TOO_LATE = frozenset({_S.SHIPPED, _S.DELIVERED, _S.COMPLETED})


class Parcel(IntEnum):
    """How far the goods have come by what shipping said; also how far the order has shown it."""

    NONE = 0
    CREATED = 1
    DISPATCHED = 2
    DELIVERED = 3
    COMPLETED = 4


_PARCEL_STATUS = {
    Parcel.CREATED: _S.FULFILLING,
    Parcel.DISPATCHED: _S.SHIPPED,
    Parcel.DELIVERED: _S.DELIVERED,
    Parcel.COMPLETED: _S.COMPLETED,
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about an order from outside. Facts are only ever added."""

    total_minor: int
    captured_minor: int | None = None
    payment_failed: bool = False
    stock_lost: bool = False
    cancel_wanted: bool = False
    recalled: bool = False
    parcel: Parcel = Parcel.NONE
    refunded_minor: int = 0

    @property
    def paid_in_full(self) -> bool:
        """Exactly the total was captured; anything else is for people to look at."""
        return self.captured_minor == self.total_minor


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the order shows: its status, how far fulfilment was shown, and how much refund was shown."""

    status: OrderStatus
    parcel_shown: Parcel = Parcel.NONE
    refund_shown_minor: int = 0


def walk(state: State, facts: Facts) -> list[State]:
    """The states the facts lead to, one after the other; empty when they change nothing.

    Invariant: every step is allowed by `TRANSITIONS`.
    """
    steps: list[State] = []
    while (following := _step(state, facts)) is not None:
        TRANSITIONS.check(state.status, following.status)
        steps.append(following)
        assert len(steps) <= WALK_STEPS_MAX, "an order does not walk in circles"
        state = following
    return steps


def check_cancellable(status: OrderStatus) -> None:
    """Raise `OrderAlreadyShipped` after hand-over, `OrderNotCancellable` for other ends."""
    if status in CANCELLABLE:
        return
    if status in _CANCEL_TOO_LATE:
        raise OrderAlreadyShipped("the parcel is on its way; send it back instead", status=status.value)
    raise OrderNotCancellable(f"an order that is {status.value} cannot be cancelled", status=status.value)


def check_recallable(status: OrderStatus) -> None:
    """Raise `OrderNotCancellable` for an order that has ended without a sale."""
    if status not in RECALLABLE:
        raise OrderNotCancellable(f"an order that is {status.value} cannot be recalled", status=status.value)


def _step(state: State, facts: Facts) -> State | None:
    match state.status:
        case _S.PENDING:
            return _to(state, _S.RESERVED)
        case _S.PAYMENT_FAILED:
            return _to(state, _S.CANCELLED)
        case _S.RESERVED:
            return _settle_payment(state, facts)
        case _S.CANCELLED | _S.REFUNDED:
            return None
        case _S.PAID | _S.FULFILLING | _S.SHIPPED | _S.DELIVERED | _S.COMPLETED if _is_off(state, facts):
            return _to(state, _S.CANCELLED)
        case _:
            return _fulfil(state, facts) or _refund(state, facts)


def _settle_payment(state: State, facts: Facts) -> State | None:
    if facts.cancel_wanted or facts.recalled or facts.stock_lost:
        return _to(state, _S.CANCELLED)
    if facts.paid_in_full:
        return _to(state, _S.PAID)
    return _to(state, _S.PAYMENT_FAILED) if facts.payment_failed else None


def _is_off(state: State, facts: Facts) -> bool:
    off = facts.cancel_wanted or facts.stock_lost
    return facts.recalled or (off and state.status in CANCELLABLE and facts.parcel < Parcel.DISPATCHED)


def _fulfil(state: State, facts: Facts) -> State | None:
    known = Parcel.COMPLETED if facts.parcel is Parcel.DELIVERED else facts.parcel
    if state.parcel_shown >= known:
        return None
    shown = Parcel(state.parcel_shown + 1)
    return State(status=_PARCEL_STATUS[shown], parcel_shown=shown, refund_shown_minor=state.refund_shown_minor)


def _refund(state: State, facts: Facts) -> State | None:
    """Show new refunds at once; a completed order that was refunded in part ends as such."""
    unseen = facts.refunded_minor > state.refund_shown_minor
    ended_in_part = state.status is _S.COMPLETED and facts.refunded_minor > 0
    if not unseen and not ended_in_part:
        return None
    whole = facts.refunded_minor >= facts.total_minor
    return State(
        status=_S.REFUNDED if whole else _S.PARTIALLY_REFUNDED,
        parcel_shown=state.parcel_shown,
        refund_shown_minor=facts.refunded_minor,
    )


def _to(state: State, status: OrderStatus) -> State:
    return State(status=status, parcel_shown=state.parcel_shown, refund_shown_minor=state.refund_shown_minor)
