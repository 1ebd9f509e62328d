import pytest

from tests.support.builders.orders import ADDRESS, customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import served

pytestmark = pytest.mark.service("orders")


async def preview(orders, buyer, **more):
    wish = {"country": ADDRESS["country"], "items": [{"sku": "A", "quantity": 2}], **more}
    return await orders.call("POST", "/api/v1/orders/preview", principal=buyer, json=wish)


async def test_the_method_chosen_is_quoted_charged_kept_and_told(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        shown = {}
        for method, cost in (("standard", "4.99"), ("express", "12.99")):
            status, shown[method] = await preview(orders, buyer, shipping_method=method)
            assert (status, shown[method]["shipping"]["amount"]) == (200, cost)
            status, order = await place(orders, buyer, ("A", 2), shipping_method=method)
            assert (status, order["shipping_method"], order["total"]) == (201, method, shown[method]["total"])
        told = await rows(
            orders.settings.database_url,
            "SELECT payload::jsonb #>> '{data,shipping_method}' AS method FROM outbox WHERE type = 'order.created' "
            "ORDER BY created_at",
        )
        assert [row["method"] for row in told] == ["standard", "express"]


async def test_a_method_that_shipping_does_not_serve_there_is_refused_and_nothing_is_held(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.shipping.by_express = False
        status, refused = await place(orders, customer(), ("A", 1), shipping_method="express")
        assert (status, refused["code"], refused["method"]) == (422, "delivery_not_served", "express")
        assert fakes.inventory.calls == []


async def test_while_shipping_is_away_a_quote_of_one_method_serves_no_other(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, quote_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        await preview(orders, buyer)
        fakes.shipping.down = True
        status, refused = await preview(orders, buyer, shipping_method="express")
        assert (status, refused["code"]) == (503, "shipping_quote_unavailable")
        assert (await preview(orders, buyer))[0] == 200
