"""The life of an order: how the facts known so far move its machines.

Facts come from several topics in any order. The state is a fold over them: each step is a legal move
and looks only at the present state and at all facts, so that the order of their arrival does not matter.
"""

from enum import StrEnum
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal
from svc.orders.domain.machines import (
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
)

SHIPMENTS_MAX = 100
WALK_STEPS_MAX = 12 + 4 * SHIPMENTS_MAX


class OrderNotFound(Refusal):
    code = "order_not_found"
    kind = Kind.NOT_FOUND


class OrderAlreadyShipped(Refusal):
    code = "order_already_shipped"
    kind = Kind.CONFLICT


class OrderNotCancellable(Refusal):
    code = "order_not_cancellable"
    kind = Kind.CONFLICT


class Withholding(StrEnum):
    """What shipping said to the wish to keep the goods back; until it answered, nothing is undone."""

    UNANSWERED = "unanswered"
    WITHHELD = "withheld"
    TOO_LATE = "too_late"


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel: how far shipping said it is, and how far the order has shown it."""

    id: UUID
    carrier: str
    tracking_number: str
    reported: ShipmentState
    state: ShipmentState = ShipmentState.ANNOUNCED


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about an order from outside, beside its shipments. Facts are only ever added.

    `refunded_minor` went back; beside it so much was told that never did (`refund_reversed_minor`).
    """

    total_minor: int
    captured_minor: int | None = None
    payment_failed: bool = False
    stock_lost: bool = False
    cancel_wanted: bool = False
    recalled: bool = False
    withholding: Withholding = Withholding.UNANSWERED
    refunded_minor: int = 0
    refund_reversed_minor: int = 0

    @property
    def refund_told_minor(self) -> int:
        """The sum of all refunds that were ever told."""
        return self.refunded_minor + self.refund_reversed_minor

    @property
    def paid_in_full(self) -> bool:
        """Exactly the total was captured; anything else is for people to look at."""
        return self.captured_minor == self.total_minor

    @property
    def refunded_in_full(self) -> bool:
        """All of it went back; an order of nothing cannot be refunded."""
        return self.refunded_minor >= self.total_minor > 0

    @property
    def off(self) -> bool:
        """Whether somebody or something wants the order undone while its goods are still here."""
        return self.cancel_wanted or self.stock_lost or self.recalled or self.refunded_in_full

    def with_refunds(self, *, told_minor: int, reversed_minor: int) -> "Facts":
        """The facts with newer sums of refunds told and reversed; older sums change nothing."""
        told_minor = max(told_minor, self.refund_told_minor)
        reversed_minor = max(reversed_minor, self.refund_reversed_minor)
        return msgspec.structs.replace(
            self, refunded_minor=max(0, told_minor - reversed_minor), refund_reversed_minor=reversed_minor
        )


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where the machines of an order are."""

    order: OrderState = OrderState.RESERVED
    payment: PaymentState = PaymentState.PENDING
    refund: RefundState = RefundState.NONE
    shipments: tuple[Shipment, ...] = ()

    @property
    def status(self) -> OrderStatus:
        """What people are shown."""
        return displayed(self.order, self.payment, self.refund, self.fulfilment)

    @property
    def fulfilment(self) -> ShipmentState:
        """How far the order has shown its goods."""
        return fulfilment_of([shipment.state for shipment in self.shipments])

    @property
    def handed_over(self) -> bool:
        """Whether the carrier has any parcel, shown or not."""
        return any(shipment.reported in _WITH_CARRIER for shipment in self.shipments)


_WITH_CARRIER = frozenset({ShipmentState.DISPATCHED, ShipmentState.DELIVERED})
_UNPAID = frozenset({OrderState.PENDING, OrderState.RESERVED})


def report(state: State, shipment: Shipment) -> State:
    """The state with what shipping said of one parcel; a report older than what is known changes nothing."""
    known = {one.id: one for one in state.shipments}
    before = known.get(shipment.id)
    if before is None:
        known[shipment.id] = shipment
    elif SHIPMENT_WAY.index(before.reported) < SHIPMENT_WAY.index(shipment.reported):
        known[shipment.id] = msgspec.structs.replace(before, reported=shipment.reported)
    assert len(known) <= SHIPMENTS_MAX, "an order is not sent in that many parcels"
    return msgspec.structs.replace(state, shipments=tuple(known.values()))


def walk(state: State, facts: Facts) -> list[State]:
    """The states the facts lead to, one move after the other; empty when they change nothing.

    Invariant: in every step a machine makes at most one move, which its table allows.
    """
    steps: list[State] = []
    while (following := _step(state, facts)) is not None:
        steps.append(following)
        assert len(steps) <= WALK_STEPS_MAX, "an order does not walk in circles"
        state = following
    return steps


def check_cancellable(state: State, facts: Facts) -> None:
    """Raise `OrderAlreadyShipped` after hand-over, `OrderNotCancellable` for an order that has ended."""
    if state.handed_over or facts.withholding is Withholding.TOO_LATE or state.order is OrderState.COMPLETED:
        raise OrderAlreadyShipped("the parcel is on its way; send it back instead", status=state.status.value)
    if state.refund is RefundState.FULL and state.order is not OrderState.CANCELLING:
        raise OrderNotCancellable("all of the money went back already", status=state.status.value)


def _step(state: State, facts: Facts) -> State | None:
    return (
        _settle_payment(state, facts)
        or _move_order(state, facts)
        or _move_shipment(state)
        or _complete(state)
        or _show_refund(state, facts)
    )


def _settle_payment(state: State, facts: Facts) -> State | None:
    if state.payment is not PaymentState.PENDING:
        return None
    if facts.paid_in_full:
        paid = _paid(state, PaymentState.CAPTURED)
        accepted = state.order is OrderState.RESERVED and not facts.off
        return _to(paid, OrderState.ACCEPTED) if accepted else paid  # one step, so one statement, for every sale
    return _paid(state, PaymentState.FAILED) if facts.payment_failed else None


def _paid(state: State, payment: PaymentState) -> State:
    PAYMENT.check(state.payment, payment)
    return msgspec.structs.replace(state, payment=payment)


def _move_order(state: State, facts: Facts) -> State | None:
    match state.order:
        case OrderState.PENDING:
            return _to(state, OrderState.RESERVED)
        case OrderState.RESERVED:
            if facts.off or state.payment is PaymentState.FAILED:
                return _to(state, OrderState.CANCELLED)  # never paid, so shipping never heard of it
            return _to(state, OrderState.ACCEPTED) if state.payment is PaymentState.CAPTURED else None
        case OrderState.ACCEPTED | OrderState.COMPLETED:
            too_late = state.handed_over or facts.withholding is Withholding.TOO_LATE
            wanted = facts.recalled or (facts.off and not too_late)
            return _to(state, OrderState.CANCELLING) if wanted else None
        case OrderState.CANCELLING:
            return _end_cancelling(state, facts)
        case OrderState.CANCELLED:
            return None


def _end_cancelling(state: State, facts: Facts) -> State | None:
    """Only shipping's word ends it: the goods are here, or they are gone; a recall takes the sale back all the same."""
    if facts.withholding is Withholding.WITHHELD:
        here = next((one for one in state.shipments if ShipmentState.WITHHELD in SHIPMENT.rows()[one.state]), None)
        return _to(state, OrderState.CANCELLED) if here is None else _ship(state, here, ShipmentState.WITHHELD)
    if facts.withholding is Withholding.TOO_LATE or state.handed_over:
        return _to(state, OrderState.CANCELLED if facts.recalled else OrderState.ACCEPTED)
    return None


def _move_shipment(state: State) -> State | None:
    if state.order in _UNPAID:
        return None
    for shipment in state.shipments:
        if shipment.state is ShipmentState.WITHHELD:
            continue
        shown, known = SHIPMENT_WAY.index(shipment.state), SHIPMENT_WAY.index(shipment.reported)
        if shown < known:
            return _ship(state, shipment, SHIPMENT_WAY[shown + 1])
    return None


def _complete(state: State) -> State | None:
    done = state.order is OrderState.ACCEPTED and state.fulfilment is ShipmentState.DELIVERED
    return _to(state, OrderState.COMPLETED) if done else None


def _show_refund(state: State, facts: Facts) -> State | None:
    if state.order in _UNPAID or not facts.refunded_minor:
        return None
    refund = RefundState.FULL if facts.refunded_in_full else RefundState.PARTIAL
    if not REFUND.allows(state.refund, refund):
        return None
    return msgspec.structs.replace(state, refund=refund)


def _ship(state: State, shipment: Shipment, to: ShipmentState) -> State:
    SHIPMENT.check(shipment.state, to)
    moved = msgspec.structs.replace(shipment, state=to)
    return msgspec.structs.replace(
        state, shipments=tuple(moved if one.id == shipment.id else one for one in state.shipments)
    )


def _to(state: State, order: OrderState) -> State:
    ORDER.check(state.order, order)
    return msgspec.structs.replace(state, order=order)
