"""What a client may get wrong beside an order that stands: refused by its code, and the order keeps its unit."""

import io
import json
from typing import Any
from uuid import uuid4

import pytest

from shared.service import BODY_BYTES_MAX
from tests.support.builders.orders import body, customer, place
from tests.support.fakes.shop import shop
from tests.support.services import Served, served
from tests.support.stocking import receive

pytestmark = pytest.mark.service("orders")

KEY = "the-key-of-the-order-that-stands"
FRESH = "a-fresh-key"


def said(document: object) -> bytes:
    return json.dumps(document).encode()


MISTAKES: dict[str, tuple[str, str, bytes, int, str]] = {
    "another body under a used key": ("POST", KEY, said(body(("A", 2))), 422, "idempotency_key_reused"),
    "an unknown SKU": ("POST", FRESH, said(body(("GHOST", 1))), 409, "product_unavailable"),
    "an unknown SKU beside a known one": (
        "POST",
        FRESH,
        said(body(("A", 1), ("GHOST", 1))),
        409,
        "product_unavailable",
    ),
    "no quantity": ("POST", FRESH, said(body(("A", 0))), 400, "invalid_body"),
    "less than none": ("POST", FRESH, said(body(("A", -1))), 400, "invalid_body"),
    "a thousand million": ("POST", FRESH, said(body(("A", 10**9))), 400, "invalid_body"),
    "an unknown field": ("POST", FRESH, said({**body(("A", 1)), "price": 0}), 400, "invalid_body"),
    "no JSON": ("POST", FRESH, b'{"items": [', 400, "invalid_body"),
    "no text": ("POST", FRESH, b"\xff\xfe", 400, "invalid_body"),
    "a list": ("POST", FRESH, b"[]", 400, "invalid_body"),
    "nothing": ("POST", FRESH, b"", 400, "invalid_body"),
    "a body too large": ("POST", FRESH, b" " * (BODY_BYTES_MAX + 1), 413, "body_too_large"),
    "another method": ("PUT", FRESH, b"{}", 405, "method_not_allowed"),
}


async def _available(inventory: Served) -> int:
    _, answer = await inventory.call("GET", "/api/v1/stock?skus=A")
    return answer["items"][0]["available"]


async def test_no_mistake_touches_the_order_that_stands(engines: Any, prefix: str) -> None:
    async with (
        shop(engines.redis, prefix, without=("inventory",)),
        served(engines, "inventory", prefix=prefix, role="api") as inventory,
        served(engines, "orders", prefix=prefix, role="api") as orders,
    ):
        await receive(inventory, "A", 5)
        buyer = customer()
        status, order = await place(orders, buyer, ("A", 1), key=KEY)
        assert status == 201, order
        for name, (method, key, content, status, code) in MISTAKES.items():
            answer, problem = await orders.call(
                method,
                "/api/v1/orders",
                principal=buyer,
                headers={"Idempotency-Key": key, "Content-Type": "application/json"},
                data=io.BytesIO(content),
            )
            assert (answer, problem["code"], problem["status"]) == (status, code, status), name
            assert problem["title"], name
        assert await _available(inventory) == 4
        assert await place(orders, buyer, ("A", 1), key=KEY) == (201, order)
        _, listed = await orders.call("GET", "/api/v1/orders", principal=buyer)
        assert [one["id"] for one in listed["items"]] == [order["id"]]


async def test_a_key_that_was_refused_for_its_body_may_be_used_for_a_sound_one(engines: Any, prefix: str) -> None:
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, role="api") as orders:
        buyer, key = customer(), uuid4().hex
        status, _ = await place(orders, buyer, ("A", 0), key=key)
        assert status == 400
        status, _ = await place(orders, buyer, ("A", 1), key=key)
        assert status == 201
