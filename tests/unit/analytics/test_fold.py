import random
from collections import Counter
from datetime import date, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts import REGISTRY, encode, orders
from svc.analytics.domain.figures import (
    ACTIVITY,
    CUSTOMERS,
    JOURNEYS,
    ORDERS,
    PRODUCTS,
    PROJECTIONS,
    RANK,
    REFUNDS,
    REVENUE,
    STAGE,
    STOCK,
    TITLES,
)
from svc.analytics.domain.projections import fold
from svc.analytics.handlers.counting import SUBJECTS, rows_of
from svc.analytics.handlers.counting.orders import STATUS_OF
from svc.analytics.store.events import StoredEvent
from tests.support.builders.shop_events import NOON, Order, as_of, product, received

pytestmark = pytest.mark.service("analytics")

DAY = NOON.date()


def stored(event, *, late=timedelta(0)):
    header = msgspec.json.decode(encode(event), type=StoredEvent.__annotations__["header"])
    return StoredEvent(1, event.occurred_at + late, header)


def folded(events):
    """Table → key → column → value."""
    result = fold(row for event in events for row in rows_of(stored(event)))
    return {
        projection.table: {
            key: dict(zip((column.name for column in projection.columns), values, strict=True))
            for key, values in result.get(projection, {}).items()
        }
        for projection in PROJECTIONS
    }


def test_an_order_is_paid_shipped_and_partly_refunded():
    order = Order(total_minor=1_000)
    result = folded([*order.fulfilled(), order.refunded(300), order.refund_told(300)])
    figures = result[ORDERS.table][order.id,]
    assert (figures["rank"], figures["paid_minor"], figures["refunded_minor"]) == (RANK["refunded"], 1_000, 300)
    assert (figures["placed_at"], figures["country"], figures["currency"]) == (NOON, "IE", "EUR")
    day = result[REVENUE.table][DAY, "EUR"]
    assert (day["orders"], day["paid_minor"], day["refunded_minor"]) == (1, 1_000, 300)


def random_life(chance):
    """What happens to one order, in any of the ways it can end; with corrections and refunds."""
    order = Order(
        sku=f"S{chance.randrange(3)}", units=chance.randint(1, 3), total_minor=chance.randint(1, 99_999),
        currency=chance.choice(["EUR", "JPY"]), at=NOON + timedelta(hours=chance.randrange(60)),
    )  # fmt: skip
    events = [order.held(), order.created(), order.captured(), order.paid(), order.committed(), order.shipped()]
    events = events[: chance.randint(1, len(events))]
    if chance.random() < 0.3:
        events.append(order.corrected(chance.randint(1, 99_999)))
    if chance.random() < 0.3:
        events += [order.refunded(chance.randint(1, 500)), order.cancelled(), order.released("restocked")]
    return events


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_order_of_arrival_and_the_batches_do_not_matter(chance: random.Random, count):
    events = [event for _ in range(count) for event in random_life(chance)]
    shuffled = list(events)
    chance.shuffle(shuffled)
    middle = chance.randrange(len(shuffled))
    apart = [
        fold(row for event in part for row in rows_of(stored(event))) for part in (shuffled[:middle], shuffled[middle:])
    ]
    together = fold(
        projection.row(*key, **dict(zip((column.name for column in projection.columns), values, strict=True)))
        for part in apart
        for projection, rows in part.items()
        for key, values in rows.items()
    )
    assert together == fold(row for event in events for row in rows_of(stored(event)))


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_days_agree_with_the_payments_to_the_cent(chance: random.Random, count):
    """The witness adds up the events by itself."""
    events = [event for _ in range(count) for event in random_life(chance)]
    expected: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        amounts = {"payment.processed": "paid_minor", "payment.refunded": "refunded_minor"}
        if column := amounts.get(event.type):
            key = (event.occurred_at.date().isoformat(), event.data.currency, column)
            expected[key] += event.data.amount_minor
    result = folded(events)
    told = {
        (day.isoformat(), currency, column): values[column]
        for (day, currency), values in result[REVENUE.table].items()
        for column in ("paid_minor", "refunded_minor")
        if values[column]
    }
    assert told == dict(expected)
    for currency in ("EUR", "JPY"):
        of_orders = [row for row in result[ORDERS.table].values() if row["currency"] == currency]
        for column in ("paid_minor", "refunded_minor"):
            assert sum(row[column] for row in of_orders) == sum(
                amount for (_, other, name), amount in expected.items() if (other, name) == (currency, column)
            )
        paid = sum(row["paid_minor"] for (_, _, other), row in result[CUSTOMERS.table].items() if other == currency)
        assert paid == sum(row["paid_minor"] for row in of_orders)


def test_a_late_fact_never_turns_a_status_back():
    order = Order()
    created, cancelled = order.created(), order.cancelled()
    assert folded([cancelled, created])[ORDERS.table][order.id,]["rank"] == RANK["cancelled"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_corrected_total_replaces_the_one_before_whichever_comes_first(turned):
    order = Order(total_minor=1_000)
    events = [order.created(), order.captured(), order.corrected(900)]
    figures = folded(events[::-1] if turned else events)[ORDERS.table][order.id,]
    assert (figures["total_minor"], figures["paid_minor"]) == (900, 1_000)


@pytest.mark.parametrize("turned", [False, True])
def test_a_product_is_called_what_its_newest_event_says(turned):
    product_id = uuid4()
    events = [product(product_id, "Zebra"), product(product_id, "Ant", category="b", version=2)]
    titles = folded(events[::-1] if turned else events)[TITLES.table][product_id,]
    assert (titles["title"], titles["category"]) == ("Ant", "b")


def test_what_happens_near_midnight_counts_for_its_utc_day():
    event = as_of(Order().captured(), datetime.fromisoformat("2026-01-02T23:30:00-05:00"))
    assert list(folded([event])[REVENUE.table]) == [(date(2026, 1, 3), "EUR")]


@pytest.mark.parametrize(("late", "counted"), [(timedelta(minutes=59), 0), (timedelta(minutes=61), 1)])
def test_money_that_is_told_long_after_it_moved_is_counted_as_late(late, counted):
    rows = list(rows_of(stored(Order().captured(), late=late)))
    assert fold(rows)[REVENUE][DAY, "EUR"][-1] == counted


def test_a_checkout_keeps_all_that_it_passed():
    order, gone = Order(), Order()
    result = folded([order.held(), order.created(), order.captured(), order.paid(), order.cancelled(), gone.held(),
                     gone.released()])[JOURNEYS.table]  # fmt: skip
    assert result[order.id,]["reached"] == STAGE["held"] | STAGE["placed"] | STAGE["paid"] | STAGE["cancelled"]
    assert result[order.id,]["began_at"] == NOON
    assert result[gone.id,]["reached"] == STAGE["held"] | STAGE["released"]


def test_only_what_was_paid_is_sold_and_only_what_left_comes_back():
    order, unpaid = Order(units=2), Order()
    result = folded([
        *order.fulfilled(), order.released("restocked"), unpaid.held(), unpaid.created(), unpaid.released("expired"),
        received("SKU-1", 10), received("SKU-1", -1, version=2),
    ])  # fmt: skip
    assert result[PRODUCTS.table] == {
        (DAY, "EUR", "SKU-1"): {
            "product_id": order.line.product_id, "orders": 1, "units": 2, "revenue_minor": 3_000,
        }
    }  # fmt: skip
    assert result[STOCK.table] == {(DAY, "SKU-1", "main"): {"received": 9, "sold": 2, "returned": 2}}


def test_an_order_with_two_lines_of_a_sku_counts_once():
    order = Order(units=2)
    paid = order.paid()
    doubled = msgspec.structs.replace(paid, data=msgspec.structs.replace(paid.data, lines=[order.line, order.line]))
    (row,) = folded([doubled])[PRODUCTS.table].values()
    assert (row["orders"], row["units"], row["revenue_minor"]) == (1, 4, 6_000)


def test_refunds_are_told_apart_by_their_reason():
    order = Order()
    result = folded([order.refunded(100), order.refunded(50), order.refunded(7, "broken"), order.refund_failed(9)])
    assert result[REFUNDS.table] == {
        (DAY, "EUR", "returned"): {"refunds": 2, "refunded_minor": 150, "failed": 1},
        (DAY, "EUR", "broken"): {"refunds": 1, "refunded_minor": 7, "failed": 0},
    }


def test_a_refund_that_never_was_is_taken_off_what_was_counted():
    order = Order()
    result = folded([order.captured(), order.refunded(100), order.refunded(100), order.refund_reversed(100)])
    (row,) = result[ORDERS.table].values()
    (revenue,) = result[REVENUE.table].values()
    assert (row["refunded_minor"], revenue["refunded_minor"]) == (100, 100)
    assert sum(row["refunded_minor"] for row in result[REFUNDS.table].values()) == 100


def test_every_event_counts_for_its_minute():
    order = Order()
    events = [order.captured(), order.held()]
    assert folded(events)[ACTIVITY.table] == {
        (NOON, "payment.processed", "EUR"): {"events": 1, "amount_minor": 3_000},
        (NOON + timedelta(minutes=1), "inventory.reserved", ""): {"events": 1, "amount_minor": 0},
    }
    assert set(SUBJECTS[-1]) == set(REGISTRY.values())


def test_every_order_event_has_a_status():
    of_orders = {fact for fact in orders.OrderFact.__subclasses__() if fact.type.startswith("order.")}
    assert of_orders == set(STATUS_OF)
    assert set(STATUS_OF.values()) == set(RANK)
