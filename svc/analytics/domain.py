"""How facts become figures. Pure: the same facts in any order give the same figures."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

STATUSES = ("placed", "paid", "shipped", "completed", "refunded", "cancelled")
RANK = {status: rank for rank, status in enumerate(STATUSES, start=1)}
"""Later in an order's life is higher; the highest seen wins, so a late fact never turns a status back."""


class OrderReached(msgspec.Struct, frozen=True, kw_only=True):
    """An order stands at `status`, one of STATUSES; only `placed` tells when it was placed."""

    order_id: UUID
    status: str
    total_minor: int
    currency: str
    placed_at: datetime | None = None


class MoneyMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Money of an order was captured or given back; `captures` counts the captures, 0 or 1."""

    order_id: UUID
    currency: str
    moved_at: datetime
    captures: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0


Fact = OrderReached | MoneyMoved


class OrderDelta(msgspec.Struct, kw_only=True):
    """What a set of facts says about one order. Merging is commutative: maxima, sums and first non-null values."""

    order_id: UUID
    rank: int = 0
    total_minor: int | None = None
    currency: str | None = None
    paid_minor: int = 0
    refunded_minor: int = 0
    placed_at: datetime | None = None


class DayDelta(msgspec.Struct, kw_only=True):
    """What a set of facts adds to one day's revenue in one currency."""

    orders: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0


class Fold(msgspec.Struct, kw_only=True):
    """The sum of a set of facts."""

    orders: dict[UUID, OrderDelta]
    days: dict[tuple[date, str], DayDelta]


def fold(facts: Iterable[Fact]) -> Fold:
    """Sum the facts up; each must come once."""
    result = Fold(orders={}, days={})
    for fact in facts:
        order = result.orders.setdefault(fact.order_id, OrderDelta(order_id=fact.order_id))
        order.currency = fact.currency
        if isinstance(fact, OrderReached):
            _reach(order, fact)
        else:
            key = (fact.moved_at.astimezone(UTC).date(), fact.currency)
            _move(order, result.days.setdefault(key, DayDelta()), fact)
    return result


def _reach(order: OrderDelta, fact: OrderReached) -> None:
    order.rank = max(order.rank, RANK[fact.status])
    order.total_minor = fact.total_minor
    order.placed_at = fact.placed_at or order.placed_at


def _move(order: OrderDelta, day: DayDelta, fact: MoneyMoved) -> None:
    order.paid_minor += fact.paid_minor
    order.refunded_minor += fact.refunded_minor
    day.orders += fact.captures
    day.paid_minor += fact.paid_minor
    day.refunded_minor += fact.refunded_minor
