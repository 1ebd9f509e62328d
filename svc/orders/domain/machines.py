"""The four machines of an order (the order itself, its payment, its refunds, each of its shipments), and the one
status people are shown, which is derived from them.

Written once: the database's table of legal moves is filled from `MOVES`.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise, product
from typing import Any

from shared.state_machine import TransitionTable


class OrderState(StrEnum):
    """`accepted`: paid, and to be fulfilled; `cancelling`: shipping was asked to keep the goods back."""

    PENDING = "pending"
    RESERVED = "reserved"
    ACCEPTED = "accepted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class PaymentState(StrEnum):
    PENDING = "pending"
    CAPTURED = "captured"
    FAILED = "failed"


class RefundState(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class ShipmentState(StrEnum):
    """`announced`: heard of, and not moved yet; `withheld`: kept back before the carrier had it."""

    ANNOUNCED = "announced"
    CREATED = "created"
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"
    WITHHELD = "withheld"


class OrderStatus(StrEnum):
    """What customers are shown."""

    PENDING = "pending"
    RESERVED = "reserved"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    FULFILLING = "fulfilling"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


_O, _P, _R, _S = OrderState, PaymentState, RefundState, ShipmentState

ORDER = TransitionTable(
    {
        _O.PENDING: {_O.RESERVED},
        _O.RESERVED: {_O.ACCEPTED, _O.CANCELLED},
        _O.ACCEPTED: {_O.CANCELLING, _O.COMPLETED},
        _O.CANCELLING: {_O.ACCEPTED, _O.CANCELLED},
        _O.COMPLETED: {_O.CANCELLING},
        _O.CANCELLED: set(),
    }
)
PAYMENT = TransitionTable({_P.PENDING: {_P.CAPTURED, _P.FAILED}, _P.CAPTURED: set(), _P.FAILED: set()})
REFUND = TransitionTable({_R.NONE: {_R.PARTIAL, _R.FULL}, _R.PARTIAL: {_R.FULL}, _R.FULL: {_R.PARTIAL}})
"""Back from full goes who was told of a refund that never was."""
SHIPMENT = TransitionTable(
    {
        _S.ANNOUNCED: {_S.CREATED, _S.WITHHELD},
        _S.CREATED: {_S.DISPATCHED, _S.WITHHELD},
        _S.DISPATCHED: {_S.DELIVERED},
        _S.DELIVERED: set(),
        _S.WITHHELD: set(),
    }
)
SHIPMENT_WAY = (_S.ANNOUNCED, _S.CREATED, _S.DISPATCHED, _S.DELIVERED)
"""The way of a parcel that is not withheld."""

_OF_SHIPMENTS = {
    _S.ANNOUNCED: OrderStatus.PAID,
    _S.CREATED: OrderStatus.FULFILLING,
    _S.DISPATCHED: OrderStatus.SHIPPED,
    _S.DELIVERED: OrderStatus.DELIVERED,
}


def fulfilment_of(shipments: Sequence[ShipmentState]) -> ShipmentState:
    """How far the goods are: on their way with the first parcel, delivered with the last; withheld ones count not."""
    sent = [state for state in shipments if state is not _S.WITHHELD]
    if not sent:
        return _S.ANNOUNCED
    if all(state is _S.DELIVERED for state in sent):
        return _S.DELIVERED
    furthest = max(sent, key=SHIPMENT_WAY.index)
    return _S.DISPATCHED if furthest is _S.DELIVERED else furthest


def displayed(order: OrderState, payment: PaymentState, refund: RefundState, fulfilment: ShipmentState) -> OrderStatus:
    """The one status for people. A full refund goes before the goods' way, a partial one is shown while none moves."""
    if order is _O.RESERVED and payment is _P.FAILED:
        return OrderStatus.PAYMENT_FAILED
    if order not in {_O.ACCEPTED, _O.COMPLETED}:
        return OrderStatus(order.value)
    if refund is _R.FULL:
        return OrderStatus.REFUNDED
    on_its_way = order is _O.ACCEPTED and fulfilment in {_S.DISPATCHED, _S.DELIVERED}
    if refund is _R.PARTIAL and not on_its_way:
        return OrderStatus.PARTIALLY_REFUNDED
    return OrderStatus.COMPLETED if order is _O.COMPLETED else _OF_SHIPMENTS[fulfilment]


def possible(order: OrderState, payment: PaymentState, refund: RefundState, fulfilment: ShipmentState) -> bool:
    """Whether the machines may stand like this together: goods and refunds follow the payment, and it the order."""
    match order:
        case _O.PENDING:
            return (payment, refund, fulfilment) == (_P.PENDING, _R.NONE, _S.ANNOUNCED)
        case _O.RESERVED:
            return (refund, fulfilment) == (_R.NONE, _S.ANNOUNCED)
        case _O.ACCEPTED | _O.CANCELLING:
            return payment is _P.CAPTURED
        case _O.COMPLETED:  # everything was delivered, and another parcel may have been announced since
            return payment is _P.CAPTURED and fulfilment in {_S.DISPATCHED, _S.DELIVERED}
        case _O.CANCELLED:
            return True


def _fulfilment_moves() -> set[tuple[ShipmentState, ShipmentState]]:
    """How `fulfilment_of` changes when one of several shipments goes on, or when one more is announced."""
    moved = {
        (fulfilment_of((one, other)), fulfilment_of((target, other)))
        for one, target in pairwise(SHIPMENT_WAY)
        for other in ShipmentState
    }
    return moved | {(fulfilment_of((one,)), fulfilment_of((one, _S.ANNOUNCED))) for one in SHIPMENT_WAY}


def _displayed_moves() -> set[tuple[OrderStatus, OrderStatus]]:
    """Every change of the displayed status that one move of one machine can make."""
    moves: set[tuple[OrderStatus, OrderStatus]] = set()
    for before in product(_O, _P, _R, SHIPMENT_WAY):
        order, payment, refund, fulfilment = before
        after = [
            (target, payment, refund, fulfilment)
            for target in ORDER.rows()[order]
            if target is not _O.COMPLETED or fulfilment is _S.DELIVERED
        ]
        after += [(order, target, refund, fulfilment) for target in PAYMENT.rows()[payment]]
        after += [(order, payment, target, fulfilment) for target in REFUND.rows()[refund]]
        after += [(order, payment, refund, target) for source, target in _fulfilment_moves() if source is fulfilment]
        moves |= {(displayed(*before), displayed(*state)) for state in after if possible(*before) and possible(*state)}
    return {(source, target) for source, target in moves if source is not target}


def _rows(name: str, moves: Iterable[tuple[StrEnum, StrEnum]]) -> list[tuple[str, str, str]]:
    return [(name, source.value, target.value) for source, target in moves]


def _table_rows(name: str, table: TransitionTable[Any]) -> list[tuple[str, str, str]]:
    return _rows(name, [(source, target) for source, targets in table.rows().items() for target in targets])


def legal_moves() -> tuple[tuple[str, str, str], ...]:
    """Machine, from, to: every legal move; `status` is the displayed one, derived from the moves of the others."""
    return tuple(
        sorted(
            [
                *_table_rows("order", ORDER),
                *_table_rows("payment", PAYMENT),
                *_table_rows("refund", REFUND),
                *_table_rows("shipment", SHIPMENT),
                *_rows("status", _displayed_moves()),
            ]
        )
    )


MOVES = legal_moves()
