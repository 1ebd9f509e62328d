"""Orders beside the real catalog, inventory and shipping, as far as an order needs them."""

import pytest

from tests.support.builders.orders import customer, place
from tests.support.services import served
from tests.support.stocking import receive

pytestmark = pytest.mark.service("orders")


async def test_an_order_of_a_seeded_product_is_priced_quoted_and_held_by_the_real_services(engines, prefix):
    async with (
        served(engines, "catalog", prefix=prefix, role="api") as catalog,
        served(engines, "inventory", prefix=prefix, role="api") as inventory,
        served(engines, "shipping", prefix=prefix, role="api"),
        served(engines, "orders", prefix=prefix, role="api") as orders,
    ):
        status, body = await catalog.call(
            "POST",
            "/internal/products/import",
            json={
                "items": [
                    {
                        "slug": "jacket",
                        "title": "Jacket",
                        "description": "Warm",
                        "category": "clothes",
                        "variants": [{"sku": "J-1", "price_minor": 8999, "currency": "EUR"}],
                    },
                    {
                        "slug": "map",
                        "title": "Map",
                        "category": "maps",
                        "tax_class": "zero",
                        "variants": [{"sku": "M-1", "price_minor": 1000, "currency": "EUR"}],
                    },
                ]
            },
        )
        assert status == 200, body
        for sku in ("J-1", "M-1"):
            await receive(inventory, sku, 1, reference=sku)
        status, order = await place(orders, customer(), ("J-1", 1), ("M-1", 1))
        assert status == 201, order
        assert order["lines"][0]["title"] == "Jacket"
        assert order["subtotal"]["amount"] == "99.99"
        assert [line["tax"]["amount"] for line in order["lines"]] == ["20.70", "0.00"]
        assert order["tax"]["amount"] == "20.70"
        assert order["shipping"]["amount"] != "0.00"
        status, refused = await place(orders, customer(), ("J-1", 1))
        assert (status, refused["code"]) == (409, "insufficient_stock")
