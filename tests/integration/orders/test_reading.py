from uuid import uuid4

import pytest

from shared.identity import Principal
from tests.support.builders.orders import body, customer, place
from tests.support.fakes.shop import shop
from tests.support.services import served

pytestmark = pytest.mark.service("orders")


async def test_own_orders_come_newest_first_in_pages_without_gaps(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        placed = [(await place(orders, buyer, ("A", 1)))[1]["id"] for _ in range(5)]
        await place(orders, customer(), ("A", 1))
        seen, cursor = [], ""
        while True:
            _, page = await orders.call("GET", f"/api/v1/orders?limit=2{cursor}", principal=buyer)
            assert len(page["items"]) <= 2
            seen += [order["id"] for order in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == placed[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=nonsense", "cursor=" + "A" * 600])
async def test_a_nonsense_page_is_refused(engines, prefix, query):
    async with served(engines, "orders", prefix=prefix) as orders:
        status, _ = await orders.call("GET", f"/api/v1/orders?{query}", principal=customer())
        assert status == 400


async def test_a_foreign_order_is_as_good_as_absent(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        _, order = await place(orders, customer(), ("A", 1))
        stranger = customer()
        absent = await orders.call("GET", f"/api/v1/orders/{uuid4()}", principal=stranger)
        foreign = await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=stranger)
        assert absent[0] == foreign[0] == 404
        assert absent[1]["code"] == foreign[1]["code"] == "order_not_found"
        status, _ = await orders.call("POST", f"/api/v1/orders/{order['id']}/cancel", principal=stranger)
        assert status == 404


async def test_support_sees_any_order(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        _, order = await place(orders, customer(), ("A", 1))
        support = Principal(subject=str(uuid4()), roles=frozenset({"support"}))
        status, _ = await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=support)
        assert status == 200


async def test_the_story_names_history_saga_events_and_trace(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        trace_id = "0af7651916cd43dd8448eb211c80319c"
        status, order = await orders.call(
            "POST",
            "/api/v1/orders",
            principal=buyer,
            headers={"Idempotency-Key": "k1", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"},
            json=body(("A", 1)),
        )
        assert status == 201
        _, story = await orders.call("GET", f"/internal/orders/{order['id']}/story")
        assert story["trace_id"] == trace_id
        assert [(move["from_status"], move["to_status"]) for move in story["transitions"]] == [
            (None, "pending"),
            ("pending", "reserved"),
        ]
        assert story["transitions"][0]["actor"] == f"customer:{buyer.subject}"
        assert (story["saga"]["step"], story["saga"]["status"]) == ("paying", "running")
        assert [step["step"] for step in story["saga_steps"]] == ["reserving"]
        assert [event["type"] for event in story["events"]] == ["order.created"]
        assert story["idempotency_key"] == "k1"


async def test_customers_see_no_story_and_no_sagas(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1))
        for path in (f"/internal/orders/{order['id']}/story", "/internal/sagas/stuck"):
            status, refused = await orders.call("GET", path, principal=buyer)
            assert (status, refused["code"]) == (403, "forbidden")


async def test_without_a_token_every_route_answers_401(engines, prefix):
    async with served(engines, "orders", prefix=prefix) as orders:
        for method, path in (
            ("GET", "/api/v1/cart"),
            ("POST", "/api/v1/orders"),
            ("GET", f"/api/v1/orders/{uuid4()}"),
            ("GET", "/internal/sagas/stuck"),
        ):
            status, refused = await orders.call(method, path, anonymous=True)
            assert (status, refused["code"]) == (401, "unauthenticated"), path
