from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.contracts import Address
from shared.contracts.orders import OrderCreated
from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from shared.identity import Principal
from tests.support.builders.shop_events import NOON, Order, as_of, product, received
from tests.support.reporting import record, settle
from tests.support.rows import database_for
from tests.support.services import envelope, publish, served, topics, until
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("analytics")


def order_created(order_id):
    return OrderCreated(
        order_id=order_id, order_number="SO-1", customer_id=uuid4(), email="ann@example.com", currency="EUR",
        total_minor=1234, subtotal_minor=1234, discount_minor=0, tax_minor=0, shipping_minor=0, lines=[],
        payment_method="tok_visa", shipping_method="standard", placed_at=datetime.now(UTC),
        shipping_address=Address(name="Ann", line1="1 Road", city="Town", postal_code="1", country="IE"),
    )  # fmt: skip


def captured(order_id):
    return PaymentProcessed(
        payment_id=uuid4(), order_id=order_id, customer_id=uuid4(), email="ann@example.com", order_number="SO-1",
        amount_minor=1234, currency="EUR", psp_payment_id="p1",
    )  # fmt: skip


def refunded(order_id):
    return PaymentRefunded(
        payment_id=uuid4(), order_id=order_id, customer_id=uuid4(), email="ann@example.com", order_number="SO-1",
        amount_minor=234, currency="EUR", refund_id=uuid4(), refunded_minor=234, reason="returned",
    )  # fmt: skip


async def test_events_are_counted_once_in_any_order(engines, prefix):
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as analytics:
        order_id, last_id = uuid4(), uuid4()
        paid = envelope(captured(order_id), uuid4())
        created = envelope(order_created(order_id), order_id)
        # what comes last in each topic tells that all before it was read
        refund, last_paid = envelope(refunded(order_id), uuid4(), 2), envelope(captured(last_id), uuid4())
        await publish(engines, prefix, paid, paid, refund, last_paid)
        await publish(engines, prefix, created, created, envelope(order_created(last_id), last_id))

        async def all_read():
            _, report = await analytics.call("GET", "/api/v1/reports/orders")
            _, revenue = await analytics.call("GET", "/api/v1/reports/revenue")
            placed = {row["status"]: row["orders"] for row in report["statuses"]} == {"placed": 2}
            paid_orders = sum(day["orders"] for day in revenue["days"])
            return placed and paid_orders >= 2 and not report["events_behind"] and (report, revenue)

        report, revenue = await until(all_read)
        assert report["statuses"] == [
            {"status": "placed", "orders": 2, "total": {"amount": "24.68", "currency": "EUR"}}
        ]
        (day,) = revenue["days"]
        assert (day["orders"], day["paid"]["amount"], day["refunded"]["amount"]) == (2, "24.68", "2.34")


@asynccontextmanager
async def _projected(engines, prefix, *told):
    """The service without its jobs, over figures of these events."""
    async with served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics:
        async with database_for(analytics) as database:
            await record(database, *told)
            await settle(database)

        async def report(name):
            status, body = await analytics.call("GET", f"/api/v1/reports/{name}")
            assert status == 200, body
            return body

        yield report


PERIOD = "since=2026-01-01&until=2026-01-04"


async def test_the_funnel_counts_how_far_the_checkouts_of_a_period_came(engines, prefix):
    delivered, cancelled, gone, other = Order(), Order(), Order(), Order(at=NOON - timedelta(days=30))
    told = [*delivered.fulfilled(), cancelled.held(), cancelled.created(), cancelled.captured(), cancelled.paid(),
            cancelled.cancelled(), gone.held(), gone.released(), gone.held(), *other.fulfilled()]  # fmt: skip
    async with _projected(engines, prefix, *told) as report:
        stages = (await report(f"funnel?{PERIOD}"))["stages"]
        assert [(one["stage"], one["checkouts"], one["share_bp"]) for one in stages] == [
            ("held", 3, 10_000), ("placed", 2, 6_667), ("paid", 2, 6_667), ("shipped", 1, 3_333),
            ("completed", 1, 3_333), ("released", 1, 3_333), ("refunded", 0, 0), ("cancelled", 1, 3_333),
        ]  # fmt: skip


async def test_refunds_are_shown_by_reason_and_say_what_failed(engines, prefix):
    order, yen = Order(), Order(currency="JPY")
    told = [order.captured(), order.refunded(100), order.refunded(250, "broken"), order.refund_failed(9, "broken"),
            yen.refunded(7)]  # fmt: skip
    async with _projected(engines, prefix, *told) as report:
        reasons = (await report(f"refunds?{PERIOD}"))["reasons"]
        assert [(one["reason"], one["refunds"], one["refunded"]["amount"], one["failed"]) for one in reasons] == [
            ("broken", 1, "2.50", 1), ("returned", 1, "1.00", 0), ("returned", 1, "7", 0),
        ]  # fmt: skip
        assert reasons[-1]["refunded"] == {"amount": "7", "currency": "JPY"}


async def test_the_best_sold_products_come_first_by_money_or_by_units(engines, prefix):
    dear, cheap = Order(sku="DEAR", total_minor=90_000), Order(sku="CHEAP", units=5, total_minor=500)
    title = product(dear.line.product_id, "Dear thing")
    async with _projected(engines, prefix, *dear.fulfilled(), *cheap.fulfilled(), title) as report:
        by_money = (await report(f"products?currency=EUR&{PERIOD}"))["products"]
        assert [(one["sku"], one["title"], one["units"], one["revenue"]["amount"]) for one in by_money] == [
            ("DEAR", "Dear thing", 1, "900.00"), ("CHEAP", "CHEAP", 5, "5.00"),
        ]  # fmt: skip
        by_units = (await report(f"products?currency=EUR&by=units&limit=1&{PERIOD}"))["products"]
        assert [one["sku"] for one in by_units] == ["CHEAP"]
        assert (await report(f"products?currency=USD&{PERIOD}"))["products"] == []


async def test_stock_turns_over_as_often_as_what_lay_there_was_sold(engines, prefix):
    """Of ten units from before the period four leave at its second day of four: 10, 6, 6, 6 lay there."""
    order = Order(sku="A", units=4)
    told = [received("A", 10, at=NOON - timedelta(days=9)), order.committed(), received("B", 3)]
    async with _projected(engines, prefix, *told) as report:
        first = await report(f"stock-turn?limit=1&{PERIOD}")
        assert first["items"] == [{"sku": "A", "sold": 4, "on_hand": 6, "average_on_hand": "7.00", "turn": "0.5714"}]
        rest = await report(f"stock-turn?limit=1&{PERIOD}&cursor={first['next_cursor']}")
        assert [(one["sku"], one["average_on_hand"], one["turn"]) for one in rest["items"]] == [("B", "2.25", "0.0000")]
        assert rest["next_cursor"] is None


async def test_a_cohort_is_followed_from_the_month_of_its_first_orders(engines, prefix):
    today = datetime.now(UTC).replace(day=1, hour=12, minute=0)
    before = (today - timedelta(days=20)).replace(day=1)
    loyal = uuid4()
    orders = [Order(customer_id=loyal, at=before), Order(customer_id=loyal, at=today, total_minor=500),
              Order(at=before), Order(at=today, currency="JPY", total_minor=9)]  # fmt: skip
    async with _projected(engines, prefix, *(event for order in orders for event in order.fulfilled())) as report:
        cohorts = (await report("cohorts?months=2"))["cohorts"]
        assert [(one["month"], one["customers"]) for one in cohorts] == [
            (before.date().isoformat(), 2), (today.date().isoformat(), 1),
        ]  # fmt: skip
        activity = cohorts[0]["activity"]
        assert [(one["months_later"], one["customers"], one["orders"], one["paid"]) for one in activity] == [
            (0, 2, 2, [{"amount": "60.00", "currency": "EUR"}]), (1, 1, 1, [{"amount": "5.00", "currency": "EUR"}]),
        ]  # fmt: skip
        assert cohorts[1]["activity"][0]["paid"] == [{"amount": "9", "currency": "JPY"}]


async def test_live_counters_show_what_has_just_happened(engines, prefix):
    now = datetime.now(UTC)
    told = [as_of(Order().captured(), now - timedelta(hours=hours)) for hours in (0, 0, 2)]
    told += [as_of(Order().held(), now - timedelta(minutes=30)), as_of(Order().held(), now - timedelta(days=3))]
    async with _projected(engines, prefix, *told) as report:
        live = await report("live")
        money = [{"events": count, "amount": {"amount": f"{count * 30}.00", "currency": "EUR"}} for count in (2, 2, 3)]
        counts = [{"events": count, "amount": None} for count in (0, 1, 1)]
        assert live["counters"] == [
            {"type": name, **dict(zip(("minutes", "hour", "day"), told, strict=True))}
            for name, told in (("inventory.reserved", counts), ("payment.processed", money))
        ]
        assert (live["events_behind"], live["waiting_since"]) == (0, None)
        assert datetime.fromisoformat(live["as_of"]) <= now


async def test_a_report_says_that_events_wait_and_that_a_day_was_told_late(engines, prefix):
    async with (
        served(engines, "analytics", prefix=prefix, **API_ONLY) as analytics,
        database_for(analytics) as database,
    ):
        await record(database, Order().captured())
        _, before = await analytics.call("GET", f"/api/v1/reports/revenue?{PERIOD}")
        assert (before["days"], before["as_of"], before["events_behind"]) == ([], None, 1)
        assert before["waiting_since"] is not None
        await settle(database)
        _, after = await analytics.call("GET", f"/api/v1/reports/revenue?{PERIOD}")
        assert (after["days"][0]["late_events"], after["events_behind"]) == (1, 0)
        assert datetime.fromisoformat(after["as_of"]) == NOON


async def test_a_customer_sees_no_reports(engines, prefix):
    async with served(engines, "analytics", prefix=prefix) as analytics:
        status, body = await analytics.call(
            "GET", "/api/v1/reports/revenue", principal=Principal(str(uuid4()), frozenset({"customer"}))
        )
        assert (status, body["code"]) == (403, "forbidden")


async def test_a_period_that_is_none_is_refused(engines, prefix):
    async with served(engines, "analytics", prefix=prefix) as analytics:
        status, body = await analytics.call("GET", "/api/v1/reports/revenue?since=2026-01-02&until=2026-01-01")
        assert (status, body["code"]) == (400, "invalid_period")
