"""What belongs to somebody else is not there: 404 as if absent, never in a list, never changed."""

from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.auth_steps import as_user, auth_served, claims_of, login, refresh, register
from tests.support.builders.orders import customer, place
from tests.support.fakes.shop import shop
from tests.support.probes import person
from tests.support.rows import add_letters, add_payments, add_shipments
from tests.support.services import served
from tests.support.statements import API_ONLY

OF_REQUEST = ("trace_id", "instance")


def _same(one, other):
    """Two problems that differ in nothing a caller could learn from."""
    strip = lambda problem: {name: value for name, value in problem.items() if name not in OF_REQUEST}  # noqa: E731
    return strip(one) == strip(other)


@asynccontextmanager
async def _one_order(engines, prefix):
    """Orders with one order of Alice's, and Bob."""
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        alice, bob = customer(), customer()
        status, order = await place(orders, alice, ("A", 1))
        assert status == 201
        yield orders, alice, bob, order


@pytest.mark.service("orders")
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/cancel")])
async def test_a_foreign_order_is_as_absent_as_one_that_never_was(engines, prefix, method, suffix):
    async with _one_order(engines, prefix) as (orders, alice, bob, order):
        answers = [
            await orders.call(method, f"/api/v1/orders/{order_id}{suffix}", principal=bob)
            for order_id in (order["id"], uuid4())
        ]
        assert [status for status, _ in answers] == [404, 404]
        assert _same(answers[0][1], answers[1][1])
        status, unchanged = await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=alice)
        assert (status, unchanged["status"]) == (200, order["status"])


@pytest.mark.service("orders")
@pytest.mark.parametrize("query", ["", "?customer_id={alice}", "?user_id={alice}&limit=100"])
async def test_foreign_orders_are_in_no_list(engines, prefix, query):
    async with _one_order(engines, prefix) as (orders, alice, bob, order):
        status, page = await orders.call("GET", "/api/v1/orders" + query.format(alice=alice.subject), principal=bob)
        assert status in {200, 400}
        assert order["id"] not in str(page)
        assert order["number"] not in str(page)


@pytest.mark.service("orders")
async def test_a_foreign_idempotency_key_shows_nobody_anothers_order(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        alice, bob = customer(), customer()
        _, first = await place(orders, alice, ("A", 1), key="the-same-key")
        status, second = await place(orders, bob, ("A", 1), key="the-same-key")
        assert status == 201
        assert first["id"] != second["id"]


@pytest.mark.service("orders")
async def test_a_foreign_cart_can_neither_be_seen_nor_changed(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        alice, bob = customer(), customer()
        await orders.call("POST", "/api/v1/cart/items", principal=alice, json={"sku": "A", "quantity": 2})
        for method, kwargs in (("PATCH", {"json": {"quantity": 9}}), ("DELETE", {})):
            status, _ = await orders.call(method, "/api/v1/cart/items/A", principal=bob, **kwargs)
            assert status == 404
        await orders.call("DELETE", "/api/v1/cart", principal=bob)
        assert (await orders.call("GET", "/api/v1/cart", principal=bob))[1]["lines"] == []
        (line,) = (await orders.call("GET", "/api/v1/cart", principal=alice))[1]["lines"]
        assert (line["sku"], line["quantity"]) == ("A", 2)


THINGS = {
    "payments": (add_payments, "/api/v1/payments", ("", "/refunds")),
    "shipping": (add_shipments, "/api/v1/shipments", ("",)),
}


@pytest.mark.parametrize("name", THINGS)
async def test_foreign_payments_and_shipments_are_as_absent_as_ones_that_never_were(engines, prefix, name):
    add, path, suffixes = THINGS[name]
    async with served(engines, name, prefix=prefix, **API_ONLY) as service:
        alice, bob = person("customer"), person("customer")
        (order_id,) = await add(service, UUID(alice.subject), 1)
        (owned,) = (await service.call("GET", path, principal=alice))[1]["items"]
        for suffix in suffixes:
            assert (await service.call("GET", f"{path}/{owned['id']}{suffix}", principal=alice))[0] == 200
            answers = [
                await service.call("GET", f"{path}/{thing_id}{suffix}", principal=bob)
                for thing_id in (owned["id"], uuid4())
            ]
            assert [status for status, _ in answers] == [404, 404]
            assert _same(answers[0][1], answers[1][1])
        for query in ("", f"?order_id={order_id}", f"?customer_id={alice.subject}"):
            status, page = await service.call("GET", path + query, principal=bob)
            assert (status, page["items"]) == (200, [])


@pytest.mark.service("payments")
async def test_a_customer_cannot_refund_even_an_own_payment(engines, prefix):
    async with served(engines, "payments", prefix=prefix, **API_ONLY) as payments:
        alice = person("customer")
        await add_payments(payments, UUID(alice.subject), 1)
        (owned,) = (await payments.call("GET", "/api/v1/payments", principal=alice))[1]["items"]
        status, _ = await payments.call(
            "POST", f"/api/v1/payments/{owned['id']}/refunds", principal=alice, json={"reason": "mine"},
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip
        assert status == 403
        connection = await asyncpg.connect(payments.settings.database_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM refunds") == 0
        finally:
            await connection.close()


@pytest.mark.service("notifications")
async def test_foreign_messages_are_in_no_list(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as notifications:
        alice, bob = person("customer"), person("customer")
        await add_letters(notifications, UUID(alice.subject), 2)
        path = "/api/v1/notifications"
        assert len((await notifications.call("GET", path, principal=alice))[1]["items"]) == 2
        for query in ("", f"?customer_id={alice.subject}"):
            assert (await notifications.call("GET", path + query, principal=bob))[1]["items"] == []


@pytest.mark.service("notifications")
async def test_a_cursor_of_somebody_elses_list_leads_into_ones_own(engines, prefix):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as notifications:
        alice, bob = person("customer"), person("customer")
        await add_letters(notifications, UUID(alice.subject), 3)
        path = "/api/v1/notifications?limit=1"
        cursor = (await notifications.call("GET", path, principal=alice))[1]["next_cursor"]
        assert (await notifications.call("GET", f"{path}&cursor={cursor}", principal=bob))[1]["items"] == []


@pytest.mark.service("auth")
async def test_a_foreign_session_cannot_be_ended(engines, prefix):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        alice, bob = await register(auth), await register(auth)
        _, hers = await login(auth, alice["email"])
        _, his = await login(auth, bob["email"])
        session = claims_of(hers["access_token"])["sid"]
        as_bob = as_user(bob["user_id"], claims_of(his["access_token"])["sid"])
        status, _ = await auth.call("DELETE", f"/api/v1/auth/sessions/{session}", principal=as_bob)
        assert status == 404
        assert (await refresh(auth, hers["refresh_token"]))[0] == 200
        sessions = (await auth.call("GET", "/api/v1/auth/sessions", principal=as_bob))[1]["items"]
        assert session not in str(sessions)


@pytest.mark.service("auth")
async def test_a_customer_reads_and_changes_no_other_account(engines, prefix):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        alice, bob = await register(auth, name="Alice"), await register(auth)
        as_bob = as_user(bob["user_id"], None)
        path = f"/api/v1/users/{alice['user_id']}"
        assert (await auth.call("GET", path, principal=as_bob))[0] == 403
        assert (await auth.call("PATCH", path, principal=as_bob, json={"roles": ["admin"]}))[0] == 403
        _, unchanged = await auth.call("GET", path)
        assert (unchanged["name"], unchanged["roles"]) == ("Alice", ["customer"])
