from uuid import uuid4

import asyncpg
import pytest

from shared.contracts import Address
from shared.contracts.orders import OrderCreated, OrderPaid
from tests.support.services import envelope, publish, served, topics, until

pytestmark = pytest.mark.service("inventory")

ADDRESS = Address(name="A", line1="B", city="C", postal_code="1", country="DE")


async def test_two_rejections_of_one_unknown_reservation_are_numbered_one_after_the_other(engines, prefix):
    order_id = uuid4()
    common = {
        "order_id": order_id, "order_number": "SO-1", "customer_id": uuid4(), "email": "a@example.com",
        "currency": "EUR", "total_minor": 100, "lines": [], "shipping_address": ADDRESS, "shipping_method": "standard",
    }  # fmt: skip
    created = OrderCreated(
        **common, subtotal_minor=100, discount_minor=0, tax_minor=0, shipping_minor=0, payment_method="tok_visa",
        placed_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    async with topics(engines, prefix), served(engines, "inventory", prefix=prefix) as inventory:
        paid = OrderPaid(**common, payment_id=uuid4())
        await publish(engines, prefix, envelope(created, order_id, 1), envelope(paid, order_id, 2))
        connection = await asyncpg.connect(inventory.settings.database_url)
        try:

            async def rejected():
                rows = await connection.fetch(
                    "SELECT type, aggregate_version FROM audit.outbox WHERE aggregate_id = $1 ORDER BY 2", str(order_id)
                )
                return [tuple(row) for row in rows] if len(rows) == 2 else None

            assert await until(rejected) == [("inventory.rejected", 1), ("inventory.rejected", 2)]
            assert await connection.fetch("SELECT 1 FROM audit.dead_letters") == []
        finally:
            await connection.close()
