import asyncio
import io

import pytest

from shared.identity import InternalTokens
from tests.support.gateway_steps import door
from tests.support.services import INTERNAL_SECRET

pytestmark = pytest.mark.service("gateway")


async def test_a_request_arrives_with_an_identity_a_deadline_and_a_trace(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        token = shop.issuer.token(sub="0190a0f0-0000-7000-8000-000000000001", email="ada@example.com")
        answer = await shop.call("POST", "/api/v1/orders?a=1&b=%20x", token=token, json={"x": 1})
        assert answer.status == 200
        seen = answer.json
        assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/api/v1/orders?a=1&b=%20x", '{"x": 1}')
        principal = InternalTokens(INTERNAL_SECRET).verify(seen["headers"]["x-internal-token"], "orders")
        assert (principal.subject, principal.email) == ("0190a0f0-0000-7000-8000-000000000001", "ada@example.com")
        assert principal.roles == {"customer"}
        assert 5_000 < int(seen["headers"]["x-deadline-ms"]) <= 10_000
        assert seen["headers"]["traceparent"].split("-")[1] == answer.headers["X-Trace-Id"]
        assert "authorization" not in seen["headers"]


async def test_a_callers_trace_goes_on(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answer = await shop.call("GET", "/api/v1/products", headers={"traceparent": parent})
        assert answer.headers["X-Trace-Id"] == "0af7651916cd43dd8448eb211c80319c"
        nonsense = await shop.call("GET", "/api/v1/products", headers={"traceparent": "00-zz"})
        assert len(nonsense.headers["X-Trace-Id"]) == 32


async def test_a_client_may_shorten_its_deadline_but_not_lengthen_it(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        short = await shop.call("GET", "/api/v1/products", headers={"X-Deadline-Ms": "700"})
        assert int(short.json["headers"]["x-deadline-ms"]) <= 700
        long = await shop.call("GET", "/api/v1/products", headers={"X-Deadline-Ms": "999999"})
        assert int(long.json["headers"]["x-deadline-ms"]) <= 5_000


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1024 * 1024])
async def test_bodies_up_to_the_bound_arrive_whole(engines, prefix, size):
    async with door(engines, prefix, "payments") as shop:
        answer = await shop.call("POST", "/api/v1/webhooks/psp", data=b"x" * size)
        assert (answer.status, answer.json["body_bytes"]) == (200, size)

        async def chunks():
            for start in range(0, size, 50_000):
                yield b"y" * min(50_000, size - start)

        answer = await shop.call("POST", "/api/v1/webhooks/psp", data=chunks())
        assert (answer.status, answer.json["body_bytes"]) == (200, size)


async def test_a_larger_body_is_refused_whether_announced_or_not(engines, prefix):
    async with door(engines, prefix, "payments") as shop:
        announced = await shop.call("POST", "/api/v1/webhooks/psp", data=io.BytesIO(b"x" * (1024 * 1024 + 1)))
        assert (announced.status, announced.code) == (413, "body_too_large")

        async def chunks():
            for _ in range(40):
                yield b"y" * 50_000

        streamed = await shop.call("POST", "/api/v1/webhooks/psp", data=chunks())
        assert (streamed.status, streamed.code) == (413, "body_too_large")
        assert (await shop.call("POST", "/api/v1/webhooks/psp", data=b"x")).status == 200
        assert [seen["body_bytes"] for seen in shop.fakes["payments"].requests] == [1]


async def test_a_large_answer_is_streamed_through(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        answer = await shop.call("GET", "/api/v1/products/big/5000000")
        assert (answer.status, len(answer.content)) == (200, 5_000_000)


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 409, 422, 500])
async def test_a_services_status_is_passed_on(engines, prefix, status):
    async with door(engines, prefix, "catalog") as shop:
        answer = await shop.call("GET", f"/api/v1/products/status/{status}")
        assert answer.status == status
        assert answer.headers["X-Trace-Id"]


async def test_head_gives_headers_only(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        answer = await shop.call("HEAD", "/api/v1/products")
        assert (answer.status, answer.content) == (200, b"")


async def test_answers_carry_security_headers_and_none_of_the_services_own_plumbing(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        shop.fakes["catalog"].answer_headers = {
            "Set-Cookie": "a=b", "X-Internal-Token": "secret", "Keep-Alive": "5", "X-Frame-Options": "ALLOW",
            "ETag": '"1"',
        }  # fmt: skip
        answer = await shop.call("GET", "/api/v1/products")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["ETag"] == '"1"'
        for name in ("Set-Cookie", "X-Internal-Token", "Keep-Alive", "Server"):
            assert name not in answer.headers


async def test_each_first_segment_reaches_its_service(engines, prefix):
    names = ("catalog", "inventory", "orders", "payments", "shipping", "search", "notifications", "analytics")
    async with door(engines, prefix, *names) as shop:
        expected = {
            "auth/me": "auth", "users": "auth", "products": "catalog", "categories": "catalog", "stock": "inventory",
            "cart": "orders", "orders/1": "orders", "coupons": "orders", "payments": "payments",
            "refunds": "payments", "shipping/rates": "shipping", "shipments": "shipping", "search": "search",
            "notifications": "notifications", "reports": "analytics",
        }  # fmt: skip
        token = shop.issuer.token()
        answers = await asyncio.gather(*(shop.call("GET", f"/api/v1/{path}", token=token) for path in expected))
        assert [answer.json["instance"] for answer in answers] == [f"{name}-1" for name in expected.values()]
        for path, name in (("webhooks/psp", "payments"), ("webhooks/carrier", "shipping")):
            assert (await shop.call("POST", f"/api/v1/{path}")).json["instance"] == f"{name}-1"
        assert "keys" in (await shop.call("GET", "/.well-known/jwks.json")).json


async def test_listed_origins_and_no_others_may_call_from_a_browser(engines, prefix):
    async with door(engines, prefix, "catalog", cors_origins=("https://shop.example",)) as shop:
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        allowed = await shop.call("OPTIONS", "/api/v1/products", headers=asked)
        assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
        for origin in ("https://evil.example", "https://shop.example.evil.example", "null"):
            refused = await shop.call("OPTIONS", "/api/v1/products", headers={**asked, "Origin": origin})
            assert (refused.status, refused.code) == (403, "origin_not_allowed")
            answer = await shop.call("GET", "/api/v1/products", headers={"Origin": origin})
            assert "Access-Control-Allow-Origin" not in answer.headers
