"""A service says which defects are planted in it and what they did; nobody without a token learns of it."""

import json
from uuid import uuid4

import pytest

from shared.identity import HEADER
from tests.support.services import served

CONTRACT = "/internal/contract"


@pytest.mark.service("inventory")
async def test_an_instance_says_what_is_planted_in_it_and_how_often_it_struck(engines, prefix, tmp_path):
    overlay = tmp_path / "overlay.json"
    planted = [
        {"id": "read-then-write", "trigger": {"kind": "nth", "n": 2}},
        {"id": "retry-without-id"},  # in orders, not here
    ]
    overlay.write_text(json.dumps({"defects": planted}))
    async with served(engines, "inventory", prefix=prefix, overlay_file=str(overlay)) as inventory:
        for _ in range(3):
            lines = [{"sku": "NONE-1", "quantity": 1}]
            wish = {"reservation_id": str(uuid4()), "customer_id": str(uuid4()), "lines": lines}
            status, _answer = await inventory.call("POST", "/internal/reservations", json=wish)
            assert status == 404
        _, said = await inventory.call("GET", CONTRACT)
    assert said["planted"] == [{"defect": "read-then-write", "parts": ["inventory.reserve"], "calls": 3, "fired": 1}]


@pytest.mark.service("inventory")
async def test_a_healthy_instance_says_that_nothing_is_planted(engines, prefix):
    async with served(engines, "inventory", prefix=prefix) as inventory:
        assert (await inventory.call("GET", CONTRACT))[1].get("planted", []) == []


@pytest.mark.service("gateway")
async def test_the_gateway_says_it_too_and_only_to_the_operator(engines, prefix):
    async with served(engines, "gateway", prefix=prefix) as gateway:
        assert await gateway.call("GET", CONTRACT) == (200, {"consumes": []})
        assert (await gateway.call("GET", CONTRACT, anonymous=True))[0] == 404
        headers = {HEADER: "forged"}
        assert (await gateway.call("GET", CONTRACT, anonymous=True, headers=headers))[0] == 401
