import asyncio

import msgspec
import pytest

from shared.service_registry import Registry
from tests.support.builders.orders import ADDRESS, body, buy, customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.redis_clients import connected
from tests.support.services import served, until

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


async def test_each_line_is_taxed_by_the_class_of_its_goods_and_keeps_it(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.tax_classes["A"] = "zero"
        buyer = customer()
        status, order = await place(orders, buyer, ("A", 2), ("B", 1))
        assert status == 201, order
        assert [(line["tax_class"], line["tax"]["amount"]) for line in order["lines"]] == [
            ("zero", "0.00"),
            ("standard", "5.87"),
        ]
        assert (order["tax"]["amount"], order["total"]["amount"]) == ("5.87", "56.36")
        fakes.catalog.tax_classes["A"] = "standard"
        assert await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer) == (200, order)


async def test_an_order_tells_whose_goods_it_sold(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.sellers["A"] = "seller-1"
        status, order = await place(orders, customer(), ("A", 2), ("B", 1))
        assert status == 201, order
        (told,) = await rows(orders.settings.database_url, "SELECT payload FROM outbox WHERE type = 'order.created'")
        lines = msgspec.json.decode(told["payload"])["data"]["lines"]
        assert {line["sku"]: line.get("seller_id") for line in lines} == {"A": "seller-1", "B": None}
        kept = await rows(orders.settings.database_url, "SELECT sku, seller_id FROM order_lines ORDER BY sku")
        assert [tuple(row) for row in kept] == [("A", "seller-1"), ("B", None)]


async def test_wishes_for_one_sku_become_one_line(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        _, order = await place(orders, customer(), ("A", 2), ("A", 3))
        assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("A", 5)]


async def test_a_repeat_with_the_same_key_gets_the_same_answer_and_holds_nothing_more(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        first = await place(orders, buyer, ("A", 1), key="k1")
        fakes.catalog.prices["A"] = (9999, "EUR")
        fakes.catalog.inactive.add("A")
        assert await place(orders, buyer, ("A", 1), key="k1") == first
        async with orders.http.post(
            f"{orders.url}/api/v1/orders",
            headers={**orders.headers(buyer), "Idempotency-Key": "k1"},
            json=body(("A", 1)),
        ) as answer:
            assert answer.headers["Idempotency-Replayed"] == "true"
            assert answer.content_type == "application/json"
        assert fakes.inventory.held_units("A") == 1


async def test_a_sold_out_buyer_is_told_at_once_and_leaves_neither_order_nor_event(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.inventory.stock["A"] = 0
        buyer = customer()
        status, refused = await place(orders, buyer, ("A", 1), key="k1")
        assert (status, refused["code"]) == (409, "insufficient_stock")
        assert (refused["sku"], refused["available"]) == ("A", 0)
        fakes.inventory.stock["A"] = 5
        assert await place(orders, buyer, ("A", 1), key="k1") == (409, refused)
        _, page = await orders.call("GET", "/api/v1/orders", principal=buyer)
        assert page == {"items": [], "next_cursor": None}
        status, order = await place(orders, buyer, ("A", 1), key="k2")
        assert status == 201
        _, story = await orders.call("GET", f"/internal/orders/{order['id']}/story")
        assert [event["type"] for event in story["events"]] == ["order.created"]


async def test_the_same_key_with_another_body_is_refused(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        await place(orders, buyer, ("A", 1), key="k1")
        status, refused = await place(orders, buyer, ("A", 2), key="k1")
        assert (status, refused["code"]) == (422, "idempotency_key_reused")


async def test_the_same_key_of_another_customer_is_another_order(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        _, one = await place(orders, customer(), ("A", 1), key="k1")
        status, other = await place(orders, customer(), ("A", 1), key="k1")
        assert status == 201
        assert one["id"] != other["id"]


async def test_a_key_whose_answer_is_forgotten_still_names_its_order(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1), key="k1")
        fakes.inventory.stock["B"] = 0
        await place(orders, buyer, ("B", 1), key="k2")
        await rows(orders.settings.database_url, "DELETE FROM idempotency_keys")
        assert await place(orders, buyer, ("A", 1), key="k1") == (201, order)
        status, refused = await place(orders, buyer, ("B", 1), key="k2")
        assert (status, refused["code"]) == (409, "order_refused_earlier")
        assert fakes.inventory.held_units("A") == 1


async def test_without_a_key_nothing_is_ordered(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        status, refused = await orders.call("POST", "/api/v1/orders", principal=customer(), json=body(("A", 1)))
        assert (status, refused["code"]) == (400, "idempotency_key_missing")
        assert fakes.inventory.calls == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": "1.00"}, "total"),
        ({"items": [{"sku": "A", "quantity": 1, "unit_price": "0.01"}]}, "unit_price"),
        ({"items": [{"sku": "A", "quantity": 0}]}, "quantity"),
        ({"items": [{"sku": "A", "quantity": -1}]}, "quantity"),
        ({"items": [{"sku": "A", "quantity": 1.5}]}, "quantity"),
        ({"items": [{"sku": "A", "quantity": "1"}]}, "quantity"),
        ({"items": [{"sku": "A", "quantity": 10**9}]}, "quantity"),
        ({"items": []}, "items"),
        ({"items": [{"sku": "'; DROP TABLE orders", "quantity": 1}]}, "sku"),
        ({"shipping_address": {**ADDRESS, "name": "A\r\nBcc: x@example.com"}}, "name"),
        ({"shipping_address": {**ADDRESS, "country": "Ireland"}}, "country"),
        ({"shipping_method": "teleport"}, "shipping_method"),
        ({"status": "paid"}, "status"),
    ],
)
async def test_a_body_that_says_too_much_or_nonsense_is_refused_and_the_field_named(engines, prefix, change, field):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        status, refused = await orders.call(
            "POST",
            "/api/v1/orders",
            principal=customer(),
            headers={"Idempotency-Key": "k"},
            json={**body(("A", 1)), **change},
        )
        assert (status, refused["code"]) == (400, "invalid_body")
        assert field in str(refused["errors"])
        assert "4111" not in str(refused)
        assert fakes.inventory.calls == []


async def test_goods_that_are_gone_are_named(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.inactive.add("B")
        status, refused = await place(orders, customer(), ("A", 1), ("B", 1), ("GONE", 1))
        assert (status, refused["code"]) == (409, "product_unavailable")
        assert {item["sku"] for item in refused["items"]} == {"B", "GONE"}


async def test_goods_that_inventory_does_not_know_are_named(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.prices["NEW"] = (100, "EUR")
        status, refused = await place(orders, customer(), ("NEW", 1))
        assert (status, refused["code"], refused["items"]) == (409, "product_unavailable", [{"sku": "NEW"}])


async def test_a_country_we_do_not_deliver_to_is_refused(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        status, refused = await place(orders, customer(), ("A", 1), shipping_address={**ADDRESS, "country": "ZZ"})
        assert (status, refused["code"]) == (422, "unsupported_country")


async def test_goods_in_a_currency_nobody_ships_for_are_refused(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.catalog.prices["Y"] = (100, "MXN")
        status, refused = await place(orders, customer(), ("Y", 1))
        assert (status, refused["code"]) == (422, "delivery_not_served")
        status, refused = await place(orders, customer(), ("Y", 1), ("A", 1))
        assert (status, refused["code"]) == (422, "mixed_currencies")


async def test_goods_of_enough_worth_are_sent_for_nothing(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.shipping.free_from_minor = 2_000
        _, one = await place(orders, customer(), ("A", 1))
        _, two = await place(orders, customer(), ("A", 2))
        assert (one["shipping"]["amount"], two["shipping"]["amount"]) == ("4.99", "0.00")


async def test_while_shipping_is_away_only_what_it_said_of_just_such_goods_serves(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        await place(orders, customer(), ("A", 1))
        fakes.shipping.down = True
        status, refused = await place(orders, customer(), ("A", 7))
        assert (status, refused["code"]) == (503, "shipping_quote_unavailable")
        status, order = await place(orders, customer(), ("A", 1))
        assert (status, order["shipping"]["amount"]) == (201, "4.99")


async def test_without_any_quote_nothing_is_ordered_and_the_buyer_may_try_again(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.shipping.down = True
        buyer = customer()
        status, refused = await place(orders, buyer, ("A", 1), key="k1")
        assert (status, refused["code"]) == (503, "shipping_quote_unavailable")
        assert fakes.inventory.calls == []
        fakes.shipping.down = False
        status, _ = await place(orders, buyer, ("A", 1), key="k1")
        assert status == 201


async def test_an_order_is_priced_by_what_the_catalog_says_at_that_moment(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        await place(orders, customer(), ("A", 1))
        fakes.catalog.prices["A"] = (9900, "EUR")
        _, order = await place(orders, customer(), ("A", 1))
        assert order["lines"][0]["unit_price"] == {"amount": "99.00", "currency": "EUR"}
        fakes.catalog.inactive.add("A")
        status, refused = await place(orders, customer(), ("A", 1))
        assert (status, refused["code"]) == (409, "product_unavailable")


async def test_buyers_who_come_together_share_reads_of_the_catalog(engines, prefix):
    patient = {"prices_timeout_s": 20.0, "quote_timeout_s": 20.0}
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, **patient) as orders,
        connected(engines.redis) as redis,
    ):
        fakes.catalog.may_tell = asyncio.Event()
        buyers = asyncio.gather(*(buy(orders, customer(), ("A", 1)) for _ in range(60)))

        async def all_have_come():
            return sum(it.load for it in await Registry(redis, prefix).instances("orders")) == 60

        await until(all_have_come)
        fakes.catalog.may_tell.set()
        assert {status for status, _ in await buyers} == {201}
        assert fakes.catalog.calls < 60
        assert fakes.shipping.calls == 1


async def test_neighbours_that_serve_and_are_late_to_say_so_are_asked_all_the_same(engines, prefix):
    """On a busy machine every beat may be late at once; a buyer was told `order_not_placed` then."""
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix) as orders,
        connected(engines.redis) as redis,
    ):
        fakes.beating.clear()

        async def all_late():
            return not await Registry(redis, prefix).instances("inventory")

        await until(all_late)
        status, order = await place(orders, customer(), ("A", 1))
        assert (status, order.get("code")) == (201, None)


async def test_when_inventory_is_certainly_not_reached_the_key_stays_free(engines, prefix):
    async with served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        async with shop(engines.redis, prefix, without=("inventory",)):
            status, refused = await place(orders, buyer, ("A", 1), key="k1")
            assert (status, refused["code"]) == (503, "order_not_placed")
        async with shop(engines.redis, prefix):
            status, _ = await place(orders, buyer, ("A", 1), key="k1")
            while status == 503:  # until the registry's short memory has passed
                status, _ = await place(orders, buyer, ("A", 1), key="k1")
            assert status == 201


async def test_services_and_operators_place_no_orders(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        status, refused = await orders.call(
            "POST", "/api/v1/orders", headers={"Idempotency-Key": "k"}, json=body(("A", 1))
        )
        assert (status, refused["code"]) == (403, "forbidden")
