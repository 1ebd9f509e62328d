from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.contracts import Address
from shared.contracts.orders import OrderCreated
from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from shared.identity import Principal
from tests.support.services import envelope, publish, served, topics, until

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
