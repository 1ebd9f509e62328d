import random
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import orders, payments
from svc.analytics.domain import RANK, MoneyMoved, OrderReached, fold
from svc.analytics.handlers import COUNTED, STATUS_OF, fact_of
from tests.support.rows import order_fact
from tests.support.services import envelope

pytestmark = pytest.mark.service("analytics")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def reached(status, order_id, *, total_minor=1000, placed_at=None):
    return OrderReached(order_id=order_id, status=status, total_minor=total_minor, currency="EUR", placed_at=placed_at)


def moved(order_id, *, at=NOON, **amounts):
    return MoneyMoved(order_id=order_id, currency="EUR", moved_at=at, **amounts)


def life(order_id):
    return [
        reached("placed", order_id, placed_at=NOON),
        moved(order_id, captures=1, paid_minor=1000),
        reached("paid", order_id),
        reached("shipped", order_id),
        moved(order_id, refunded_minor=300),
    ]


def test_an_order_is_paid_shipped_and_partly_refunded():
    order_id = uuid4()
    result = fold(life(order_id))
    figures = result.orders[order_id]
    assert (figures.rank, figures.paid_minor, figures.refunded_minor) == (RANK["shipped"], 1000, 300)
    assert figures.placed_at == NOON
    day = result.days[date(2026, 1, 2), "EUR"]
    assert (day.orders, day.paid_minor, day.refunded_minor) == (1, 1000, 300)


@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_of_arrival_does_not_matter(chance: random.Random, orders_count):
    facts = [fact for number in range(orders_count) for fact in life(UUID(int=number))]
    shuffled = list(facts)
    chance.shuffle(shuffled)

    def canonical(folded):
        return (
            sorted(msgspec.json.encode(figures) for figures in folded.orders.values()),
            sorted((str(key), msgspec.json.encode(day)) for key, day in folded.days.items()),
        )

    assert canonical(fold(shuffled)) == canonical(fold(facts))


def test_a_late_fact_never_turns_a_status_back():
    order_id = uuid4()
    result = fold([reached("cancelled", order_id), reached("placed", order_id)])
    assert result.orders[order_id].rank == RANK["cancelled"]


def test_what_happens_near_midnight_counts_for_its_utc_day():
    late = datetime.fromisoformat("2026-01-02T23:30:00-05:00")
    result = fold([moved(uuid4(), at=late, captures=1, paid_minor=1000)])
    assert list(result.days) == [(date(2026, 1, 3), "EUR")]


@pytest.mark.parametrize("kind", STATUS_OF, ids=lambda kind: kind.type)
def test_an_order_event_tells_its_status_and_total(kind):
    told = msgspec.to_builtins(order_fact(orders.OrderCreated, uuid4(), placed_at=NOON))
    more = {"payment_id": uuid4(), "shipment_id": uuid4(), "carrier": "dhl", "tracking_number": "T1"}
    event = msgspec.convert({**told, **more, "refunded_minor": 300, "reason": "asked"}, kind)
    assert fact_of(envelope(event, event.order_id)) == reached(
        STATUS_OF[kind], event.order_id, total_minor=3_000, placed_at=NOON if kind is orders.OrderCreated else None
    )


def payment_fact(kind, **more):
    return kind(
        payment_id=uuid4(), order_id=uuid4(), customer_id=uuid4(), email="ann@example.com", order_number="SO-1",
        amount_minor=700, currency="EUR", **more,
    )  # fmt: skip


def test_a_capture_and_a_refund_move_money_when_they_happened():
    captured = envelope(payment_fact(payments.PaymentProcessed, psp_payment_id="p"), uuid4())
    assert fact_of(captured) == moved(captured.data.order_id, at=captured.occurred_at, captures=1, paid_minor=700)
    refunded = envelope(
        payment_fact(payments.PaymentRefunded, refund_id=uuid4(), refunded_minor=900, reason="returned"), uuid4()
    )
    assert fact_of(refunded) == moved(refunded.data.order_id, at=refunded.occurred_at, refunded_minor=700)


def test_every_order_event_is_counted():
    assert {kind.type for kind in orders.OrderFact.__subclasses__()} <= set(COUNTED)
