from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.identity import Principal
from tests.support.builders.orders import ADDRESS, customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import served

pytestmark = pytest.mark.service("orders")

ADMIN = Principal(subject=str(uuid4()), roles=frozenset({"admin"}))
AT_ONCE = {"promotions_kept_s": 0.0}


async def make(orders, code, **terms):
    return await orders.call("POST", "/api/v1/promotions", principal=ADMIN, json={"code": code, **terms})


async def test_an_order_gets_what_is_in_force_by_itself_says_why_and_keeps_it(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, **AT_ONCE) as orders:
        assert (await make(orders, "three", buy_units=2, free_units=1, skus=["A"], priority=1))[0] == 201
        assert (await make(orders, "ten", rate_bp=1_000, priority=2))[0] == 201
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        assert (await make(orders, "later", rate_bp=9_000, valid_from=later))[0] == 201
        buyer = customer()
        wish = {"country": ADDRESS["country"], "items": [{"sku": "A", "quantity": 3}]}
        _, shown = await orders.call("POST", "/api/v1/orders/preview", principal=buyer, json=wish)
        status, order = await place(orders, buyer, ("A", 3))
        assert (status, order["total"]) == (201, shown["total"])
        assert order["discount"]["amount"] == "12.00"  # one of three, and a tenth of the other two
        steps = [(step["rule"], step["amount"]["amount"], step["source"]) for step in order["explanation"][1:3]]
        assert steps == [("promotion_buy_x_get_y", "-10.00", "THREE"), ("promotion_percentage", "-2.00", "TEN")]
        kept = await rows(orders.settings.database_url, "SELECT code FROM audit.order_promotions ORDER BY code")
        assert [row["code"] for row in kept] == ["TEN", "THREE"]
        for _ in range(2):
            status, ended = await orders.call("POST", "/api/v1/promotions/three/end", principal=ADMIN)
            assert (status, ended["code"]) == (200, "THREE")
        _, dearer = await place(orders, buyer, ("A", 3))
        assert dearer["discount"]["amount"] == "3.00"
        assert await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer) == (200, order)


async def test_promotions_are_listed_in_pages_and_made_once_per_code(engines, prefix):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        first = await make(orders, "A", rate_bp=100)
        assert await make(orders, "a", rate_bp=100) == first
        status, refused = await make(orders, "A", rate_bp=200)
        assert (status, refused["code"]) == (409, "promotion_exists")
        await make(orders, "B", amount={"amount": "5.00", "currency": "EUR"}, exclusive=True)
        _, page = await orders.call("GET", "/api/v1/promotions?limit=1", principal=ADMIN)
        _, last = await orders.call("GET", f"/api/v1/promotions?cursor={page['next_cursor']}", principal=ADMIN)
        assert [one["code"] for one in (*page["items"], *last["items"])] == ["A", "B"]
        assert (last["items"][0]["amount"]["amount"], last["next_cursor"]) == ("5.00", None)
        status, refused = await orders.call("POST", "/api/v1/promotions/NONE/end", principal=ADMIN)
        assert (status, refused["code"]) == (404, "promotion_not_found")


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"rate_bp": 100, "buy_units": 1, "free_units": 1},
        {"buy_units": 2},
        {"amount": {"amount": "0.00", "currency": "EUR"}},
        {"amount": {"amount": "1.00", "currency": "EUR"}, "minimum": {"amount": "1.00", "currency": "USD"}},
        {"rate_bp": 1, "valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-02T00:00:00Z"},
    ],
)
async def test_a_promotion_without_sense_is_refused(engines, prefix, terms):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        status, refused = await make(orders, "X", **terms)
        assert (status, refused["code"]) == (422, "invalid_promotion")


async def test_no_more_are_in_force_or_to_come_than_every_order_can_look_at(engines, prefix, monkeypatch):
    monkeypatch.setattr("svc.orders.handlers.promotions.PROMOTIONS_MAX", 2)
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        await make(orders, "OLD", rate_bp=1, valid_until="2026-01-01T00:00:00Z")
        assert [(await make(orders, code, rate_bp=1))[0] for code in "AB"] == [201, 201]
        status, refused = await make(orders, "C", rate_bp=1)
        assert (status, refused["code"]) == (409, "too_many_promotions")
        await orders.call("POST", "/api/v1/promotions/A/end", principal=ADMIN)
        assert (await make(orders, "C", rate_bp=1))[0] == 201
