"""The shop without an account: whoever holds the token, and nobody else."""

from uuid import uuid4

import pytest

from shared.ids import new_id
from shared.one_time_tokens import mint
from shared.pruning import prune
from svc.orders import jobs
from tests.support.builders.orders import ADDRESS, body, customer
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import INTERNAL_SECRET, opened_database, served

pytestmark = pytest.mark.service("orders")


class Guest:
    """A guest of a running service."""

    def __init__(self, orders, token):
        self.orders, self.token = orders, token

    async def call(self, method, path, *, headers=None, **sent):
        headers = {"X-Guest-Token": self.token, **(headers or {})}
        return await self.orders.call(method, f"/api/v1/guest/{path}", anonymous=True, headers=headers, **sent)

    async def add(self, sku, quantity=1):
        return await self.call("POST", "cart/items", json={"sku": sku, "quantity": quantity})

    async def place(self, *items, key=None, email="guest@example.com", **more):
        headers = {"Idempotency-Key": key or uuid4().hex}
        wish = {**body(*items, **more), "email": email}
        return await self.call("POST", "orders", headers=headers, json=wish)


async def guest(orders):
    status, come = await orders.call("POST", "/api/v1/guest", anonymous=True)
    assert status == 201
    return Guest(orders, come["guest_token"])


async def test_a_guest_fills_a_cart_buys_it_and_finds_the_order_by_the_token(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        one = await guest(orders)
        await one.add("A", 1)
        await one.call("PATCH", "cart/items/A", json={"quantity": 2})
        _, cart = await one.call("GET", "cart")
        assert (cart["subtotal"]["amount"], cart["lines"][0]["quantity"]) == ("20.00", 2)
        _, shown = await one.call("POST", "orders/preview", json={"country": ADDRESS["country"]})
        status, order = await one.place(key="k1", email="Ann@example.com")
        assert (status, order["total"]) == (201, shown["total"])
        assert await one.place(key="k1", email="Ann@example.com") == (201, order)
        assert fakes.inventory.held_units("A") == 2
        assert (await one.call("GET", "cart"))[1]["lines"] == []
        assert await one.call("GET", f"orders/{order['id']}") == (200, order)
        _, listed = await one.call("GET", "orders")
        assert [found["id"] for found in listed["items"]] == [order["id"]]
        (stored,) = await rows(orders.settings.database_url, "SELECT email FROM audit.orders")
        assert stored["email"] == "Ann@example.com"
        _, history = await one.call("GET", f"orders/{order['id']}/history")
        assert [entry["by"] for entry in history["items"]] == ["customer", "customer"]
        status, cancelled = await one.call("POST", f"orders/{order['id']}/cancel")
        assert (status, cancelled["status"]) == (200, "cancelled")
        moves = await rows(orders.settings.database_url, "SELECT DISTINCT split_part(actor, ':', 1) AS kind "
                           "FROM order_transitions WHERE machine = 'status'")  # fmt: skip
        assert [move["kind"] for move in moves] == ["guest"]


async def test_nobody_without_the_token_sees_a_guests_order_not_even_by_the_same_address(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        one = await guest(orders)
        _, order = await one.place(("A", 1), email="ann@example.com")
        other = await guest(orders)
        await other.place(("A", 1), email="ann@example.com")
        for path in ("", "/history", "/invoice"):
            status, refused = await other.call("GET", f"orders/{order['id']}{path}")
            assert (status, refused["code"]) == (404, "order_not_found")
            status, refused = await orders.call("GET", f"/api/v1/orders/{order['id']}{path}", principal=customer())
            assert (status, refused["code"]) == (404, "order_not_found")
        assert (await other.call("POST", f"orders/{order['id']}/cancel"))[0] == 404


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 64,
        mint("another secret, 32 characters long!", "guest", new_id()),
        mint(INTERNAL_SECRET, "registration", new_id()),
        "ü" * 64,
    ],
    ids=["none", "short", "made up", "of another secret", "for another purpose", "no ASCII"],
)
async def test_a_token_that_we_did_not_give_out_opens_nothing(engines, prefix, token):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        stranger = Guest(orders, token)
        for method, path in (("GET", "cart"), ("GET", "orders"), ("GET", f"orders/{uuid4()}"), ("DELETE", "cart")):
            status, refused = await stranger.call(method, path)
            assert (status, refused["code"]) == (401, "unknown_guest"), path


@pytest.mark.parametrize("email", [None, "", "no address", "a@b\r\nBcc: x@example.com", "=?utf-8?q?a?=@example.com"])
async def test_a_guest_says_where_mails_go(engines, prefix, email):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        status, refused = await (await guest(orders)).place(("A", 1), email=email)
        assert (status, refused["code"], refused["errors"][0]["field"]) == (400, "invalid_body", "email")
        assert fakes.inventory.calls == []


async def test_a_coupon_with_a_limit_per_customer_is_not_for_guests(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        for code, limit in (("ONCE", {"uses_per_customer_max": 1}), ("ALL", {"uses_max": 5})):
            await orders.call("POST", "/api/v1/coupons", json={"code": code, "rate_bp": 1000, **limit})
        one = await guest(orders)
        status, refused = await one.place(("A", 1), coupon="once")
        assert (status, refused["code"]) == (422, "coupon_not_applicable")
        status, order = await one.place(("A", 1), coupon="all")
        assert (status, order["discount"]["amount"]) == (201, "1.00")


async def test_at_login_the_guests_cart_comes_along_once_and_the_guest_has_it_no_more(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        one, buyer = await guest(orders), customer()
        await one.add("A", 3)
        await orders.call("POST", "/api/v1/cart/items", principal=buyer, json={"sku": "A", "quantity": 1})
        for _ in range(2):
            status, cart = await orders.call(
                "POST", "/api/v1/cart/merge", principal=buyer, json={"guest_token": one.token}
            )
            assert (status, [(line["sku"], line["quantity"]) for line in cart["lines"]]) == (200, [("A", 3)])
        assert (await one.call("GET", "cart"))[1]["lines"] == []
        second = customer()
        _, nothing = await orders.call("POST", "/api/v1/cart/merge", principal=second, json={"guest_token": one.token})
        assert nothing["lines"] == []


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({}, 422, "invalid_merge"),
        ({"guest_token": "x", "items": [{"sku": "A", "quantity": 1}]}, 422, "invalid_merge"),
        ({"guest_token": "x"}, 401, "unknown_guest"),
    ],
)
async def test_a_merge_names_one_cart_that_there_is(engines, prefix, wish, status, code):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        answer, refused = await orders.call("POST", "/api/v1/cart/merge", principal=customer(), json=wish)
        assert (answer, refused["code"]) == (status, code)


async def test_a_guests_cart_is_forgotten_when_nobody_comes_back_and_a_customers_is_not(engines):
    async with opened_database(engines, "orders") as database:
        async with database.begin() as uow:
            for guest_cart, days in ((True, 31), (True, 29), (False, 400)):
                owner = uuid4()
                await uow.connection.execute(
                    "INSERT INTO carts (customer_id, guest, updated_at) "
                    "VALUES ($1, $2, clock_timestamp() - make_interval(days => $3))",
                    owner, guest_cart, days,
                )  # fmt: skip
                await uow.connection.execute(
                    "INSERT INTO cart_lines (customer_id, sku, quantity, title) VALUES ($1, 'A', 1, 'A')", owner
                )
        assert [await prune(database, rule) for rule in jobs.PRUNING[1:]] == [1, 1]
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM cart_lines") == 2


async def test_a_token_that_is_too_long_is_refused_by_the_name_of_its_header(engines, prefix):
    """The header is read by a dependency, not by the handler, and schemathesis got a 500 for it."""
    async with served(engines, "orders", prefix=prefix) as orders:
        status, problem = await Guest(orders, "x" * 201).call("GET", "cart")
    assert (status, problem["errors"][0]["field"]) == (400, "X-Guest-Token")
