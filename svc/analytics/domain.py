"""How events become figures. Pure: the same events in any order give the same facts."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

STATUS_OF_EVENT = {
    "order.created": "placed",
    "order.paid": "paid",
    "order.shipped": "shipped",
    "order.completed": "completed",
    "order.refunded": "refunded",
    "order.cancelled": "cancelled",
}
RANK = {status: rank for rank, status in enumerate(("", *STATUS_OF_EVENT.values()))}
"""Later in an order's life is higher; the highest seen wins, so a late event never turns a status back."""


class StoredEvent(msgspec.Struct, frozen=True):
    """One event of the store; `data` as it was published."""

    position: int
    type: str
    occurred_at: datetime
    data: dict[str, Any]


class OrderDelta(msgspec.Struct, kw_only=True):
    """What a set of events says about one order. Merging is commutative: maxima and first non-null values."""

    order_id: UUID
    rank: int = 0
    total_minor: int | None = None
    currency: str | None = None
    paid_minor: int = 0
    refunded_minor: int = 0
    placed_at: datetime | None = None


class DayDelta(msgspec.Struct, kw_only=True):
    """What a set of events adds to one day's revenue in one currency."""

    orders: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0


class Fold(msgspec.Struct, kw_only=True):
    """The sum of a set of events."""

    orders: dict[UUID, OrderDelta]
    days: dict[tuple[date, str], DayDelta]


def fold(events: Iterable[StoredEvent]) -> Fold:
    """Sum the events up; each must come once."""
    result = Fold(orders={}, days={})
    for event in events:
        if event.type in STATUS_OF_EVENT:
            _fold_order(result, event)
        elif event.type == "payment.processed":
            _fold_capture(result, event)
        elif event.type == "payment.refunded":
            _fold_refund(result, event)
    return result


def _fold_order(result: Fold, event: StoredEvent) -> None:
    order = _order(result, event)
    order.rank = max(order.rank, RANK[STATUS_OF_EVENT[event.type]])
    order.total_minor = event.data["total_minor"]
    order.currency = event.data["currency"]
    if event.type == "order.created":
        order.placed_at = datetime.fromisoformat(event.data["placed_at"])


def _fold_capture(result: Fold, event: StoredEvent) -> None:
    order = _order(result, event)
    order.paid_minor += event.data["amount_minor"]
    order.currency = event.data["currency"]
    day = _day(result, event)
    day.orders += 1
    day.paid_minor += event.data["amount_minor"]


def _fold_refund(result: Fold, event: StoredEvent) -> None:
    order = _order(result, event)
    order.refunded_minor += event.data["amount_minor"]
    order.currency = event.data["currency"]
    _day(result, event).refunded_minor += event.data["amount_minor"]


def _order(result: Fold, event: StoredEvent) -> OrderDelta:
    order_id = UUID(event.data["order_id"])
    return result.orders.setdefault(order_id, OrderDelta(order_id=order_id))


def _day(result: Fold, event: StoredEvent) -> DayDelta:
    key = (event.occurred_at.astimezone(UTC).date(), event.data["currency"])
    return result.days.setdefault(key, DayDelta())
