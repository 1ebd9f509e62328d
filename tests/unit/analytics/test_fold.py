import random
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.analytics.domain import RANK, StoredEvent, fold

pytestmark = pytest.mark.service("analytics")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def stored(event_type, order_id, position=1, at=NOON, **data):
    base = {"order_id": str(order_id), "currency": "EUR", "total_minor": 1000, "amount_minor": 1000}
    return StoredEvent(position, event_type, at, {**base, "placed_at": NOON.isoformat(), **data})


def life(order_id):
    return [
        stored("order.created", order_id),
        stored("payment.processed", order_id),
        stored("order.paid", order_id),
        stored("order.shipped", order_id),
        stored("payment.refunded", order_id, amount_minor=300),
    ]


def test_an_order_is_paid_shipped_and_partly_refunded():
    order_id = uuid4()
    result = fold(life(order_id))
    fact = result.orders[order_id]
    assert (fact.rank, fact.paid_minor, fact.refunded_minor) == (RANK["shipped"], 1000, 300)
    day = result.days[date(2026, 1, 2), "EUR"]
    assert (day.orders, day.paid_minor, day.refunded_minor) == (1, 1000, 300)


@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_of_arrival_does_not_matter(chance: random.Random, orders):
    events = [event for number in range(orders) for event in life(UUID(int=number))]
    shuffled = list(events)
    chance.shuffle(shuffled)

    def canonical(folded):
        return (
            sorted(msgspec.json.encode(fact) for fact in folded.orders.values()),
            sorted((str(key), msgspec.json.encode(day)) for key, day in folded.days.items()),
        )

    assert canonical(fold(shuffled)) == canonical(fold(events))


def test_a_late_event_never_turns_a_status_back():
    order_id = uuid4()
    result = fold([stored("order.cancelled", order_id), stored("order.created", order_id)])
    assert result.orders[order_id].rank == RANK["cancelled"]


def test_what_happens_near_midnight_counts_for_its_utc_day():
    late = datetime.fromisoformat("2026-01-02T23:30:00-05:00")
    result = fold([stored("payment.processed", uuid4(), at=late)])
    assert list(result.days) == [(date(2026, 1, 3), "EUR")]
