from uuid import uuid4

import pytest

from tests.support.builders.orders import body, customer
from tests.support.fakes.shop import shop
from tests.support.services import served, until

pytestmark = pytest.mark.service("orders")


async def add(orders, buyer, sku, quantity=1):
    return await orders.call("POST", "/api/v1/cart/items", principal=buyer, json={"sku": sku, "quantity": quantity})


async def buy_cart(orders, buyer, key=None, **more):
    return await orders.call(
        "POST",
        "/api/v1/orders",
        principal=buyer,
        headers={"Idempotency-Key": key or uuid4().hex},
        json=body(**more),
    )


async def cart_of(orders, buyer):
    return (await orders.call("GET", "/api/v1/cart", principal=buyer))[1]


async def test_goods_go_in_are_changed_and_taken_out(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        status, cart = await add(orders, buyer, "A", 2)
        assert (status, cart["subtotal"]["amount"]) == (201, "20.00")
        await add(orders, buyer, "A", 1)
        await add(orders, buyer, "B", 1)
        cart = await cart_of(orders, buyer)
        assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [("A", 3), ("B", 1)]
        status, cart = await orders.call("PATCH", "/api/v1/cart/items/A", principal=buyer, json={"quantity": 1})
        assert (status, cart["subtotal"]["amount"]) == (200, "35.50")
        status, cart = await orders.call("DELETE", "/api/v1/cart/items/B", principal=buyer)
        assert [line["sku"] for line in cart["lines"]] == ["A"]
        status, cart = await orders.call("DELETE", "/api/v1/cart", principal=buyer)
        assert (status, cart["lines"]) == (200, [])
        assert (await cart_of(orders, buyer))["lines"] == []


async def test_a_cart_is_seen_by_its_owner_alone(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        await add(orders, customer(), "A")
        assert (await cart_of(orders, customer()))["lines"] == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_line_that_is_not_there_cannot_be_changed(engines, prefix, method):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        sent = {"json": {"quantity": 1}} if method == "PATCH" else {}
        status, refused = await orders.call(method, "/api/v1/cart/items/NONE", principal=customer(), **sent)
        assert (status, refused["code"]) == (404, "unknown_cart_line")


async def test_a_line_is_limited_also_in_steps(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        await add(orders, buyer, "A", 60)
        status, refused = await add(orders, buyer, "A", 60)
        assert (status, refused["code"]) == (422, "line_limit_exceeded")
        assert (await cart_of(orders, buyer))["lines"][0]["quantity"] == 60


async def test_what_is_not_for_sale_does_not_go_in(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.inactive.add("B")
        for sku in ("B", "GONE"):
            status, refused = await add(orders, customer(), sku)
            assert (status, refused["code"]) == (409, "product_unavailable")


async def test_the_cart_is_bought_and_emptied(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        await add(orders, buyer, "A", 2)
        status, order = await buy_cart(orders, buyer, "k1")
        assert (status, order["lines"][0]["quantity"]) == (201, 2)
        assert (await cart_of(orders, buyer))["lines"] == []
        assert await buy_cart(orders, buyer, "k1") == (201, order)


async def test_an_empty_cart_cannot_be_bought(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        status, refused = await buy_cart(orders, customer())
        assert (status, refused["code"]) == (422, "empty_cart")


async def test_a_sold_out_buyer_keeps_the_cart(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        await add(orders, buyer, "A", 2)
        fakes.inventory.stock["A"] = 1
        status, _ = await buy_cart(orders, buyer)
        assert status == 409
        assert (await cart_of(orders, buyer))["lines"][0]["quantity"] == 2


async def test_a_price_that_changed_since_the_cart_was_shown_is_told_before_it_is_charged(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, price_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        await add(orders, buyer, "A")
        fakes.catalog.prices["A"] = (1200, "EUR")

        await until(lambda: _new_price_is_seen(orders))
        _, answer = await buy_cart(orders, buyer)
        assert answer["code"] == "price_changed"
        assert answer["items"] == [
            {
                "sku": "A",
                "shown": {"amount": "10.00", "currency": "EUR"},
                "current": {"amount": "12.00", "currency": "EUR"},
            }
        ]
        cart = await cart_of(orders, buyer)
        assert cart["lines"][0]["previous_price"]["amount"] == "10.00"
        assert cart["lines"][0]["unit_price"]["amount"] == "12.00"
        status, order = await buy_cart(orders, buyer)
        assert (status, order["subtotal"]["amount"]) == (201, "12.00")


async def test_what_is_gone_and_what_changed_is_told_at_once_and_shown_in_the_cart(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, price_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        await add(orders, buyer, "A")
        await add(orders, buyer, "B")
        fakes.catalog.prices["A"] = (1200, "EUR")
        fakes.catalog.inactive.add("B")
        status, answer = await buy_cart(orders, buyer)
        assert (status, answer["code"], answer["items"]) == (409, "product_unavailable", [{"sku": "B"}])
        assert [(one["sku"], one["current"]["amount"]) for one in answer["changed"]] == [("A", "12.00")]
        assert fakes.inventory.calls == []
        await until(lambda: _new_price_is_seen(orders))
        cart = await cart_of(orders, buyer)
        assert [(line["sku"], line.get("available", True)) for line in cart["lines"]] == [("A", True), ("B", False)]
        assert cart["subtotal"]["amount"] == "12.00"


async def _new_price_is_seen(orders):
    """A stranger's cart shows it: no cached one is left."""
    _, cart = await add(orders, customer(), "A")
    return cart["lines"][0]["unit_price"]["amount"] == "12.00"


async def test_while_the_catalog_is_away_the_cart_repeats_the_prices_seen_last(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, price_ttl_s=0.01) as orders,
    ):
        buyer = customer()
        await add(orders, buyer, "A")
        await add(orders, buyer, "B")
        fakes.catalog.down = True
        status, cart = await orders.call("GET", "/api/v1/cart", principal=buyer)
        assert status == 200
        assert cart["prices_current"] is False
        assert cart["subtotal"]["amount"] == "35.50"


async def test_a_guest_cart_comes_along_once_however_often_it_is_merged(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        fakes.catalog.inactive.add("OLD")
        fakes.catalog.prices["OLD"] = (1, "EUR")
        await add(orders, buyer, "A", 1)
        guest = {"items": [{"sku": "A", "quantity": 3}, {"sku": "B", "quantity": 1}, {"sku": "OLD", "quantity": 1}]}
        for _ in range(2):
            status, cart = await orders.call("POST", "/api/v1/cart/merge", principal=buyer, json=guest)
            assert status == 200
            assert {line["sku"]: line["quantity"] for line in cart["lines"]} == {"A": 3, "B": 1}
        assert (await cart_of(orders, buyer))["subtotal"]["amount"] == "55.50"
