import asyncio
from uuid import uuid4

import pytest

from tests.builders.orders import body, customer, minor, place
from tests.fakes.shop import shop
from tests.services import served

pytestmark = pytest.mark.service("orders")


async def test_an_order_is_priced_here_and_held_at_inventory(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        status, order = await place(orders, buyer, ("A", 2), ("B", 1))
        assert status == 201, order
        assert order["subtotal"] == {"amount": "45.50", "currency": "EUR"}
        assert order["tax"] == {"amount": "10.47", "currency": "EUR"}  # 4.60 + 5.87: 23 % per line, half up
        assert order["shipping"]["amount"] == "4.99"
        assert order["total"]["amount"] == "60.96"
        assert order["status"] == "reserved"
        assert fakes.inventory.held_units("A") == 2
        status, shown = await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer)
        assert (status, shown) == (200, order)
