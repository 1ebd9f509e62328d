import asyncio

import pytest

from tests.support.fakes.redis_relay import redis_relay
from tests.support.gateway_steps import door
from tests.support.services import until

pytestmark = pytest.mark.service("gateway")


async def test_who_is_too_fast_is_told_when_to_come_back(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="60/60/3") as shop:
        token = shop.issuer.token()
        answers = [await shop.call("GET", "/api/v1/orders", token=token) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers.get("RateLimit-Remaining") for answer in answers[:3]] == ["2", "1", "0"]
        assert answers[0].headers["RateLimit-Limit"] == "60"
        refused = answers[3]
        assert refused.code == "rate_limited"
        assert refused.headers["Retry-After"] == "1"
        assert len(shop.fakes["orders"].requests) == 3


async def test_one_callers_haste_is_not_anothers(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="60/60/2") as shop:
        for _ in range(5):
            token = shop.issuer.token()
            statuses = [(await shop.call("GET", "/api/v1/orders", token=token)).status for _ in range(3)]
            assert statuses == [200, 200, 429]


async def test_two_tokens_of_one_person_share_a_limit(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="60/60/2") as shop:
        claims = shop.issuer.claims()
        tokens = [shop.issuer.token(sub=claims["sub"]) for _ in range(3)]
        statuses = [(await shop.call("GET", "/api/v1/orders", token=token)).status for token in tokens]
        assert statuses == [200, 200, 429]


async def test_logins_are_limited_by_address(engines, prefix):
    async with door(engines, prefix, limit_auth="60/60/2") as shop:
        statuses = [(await shop.call("POST", "/api/v1/auth/login", json={"n": n})).status for n in range(3)]
        assert statuses == [200, 200, 429]


async def test_bad_tokens_are_limited_too(engines, prefix):
    async with door(engines, prefix, "orders", limit_refused_tokens="60/60/3") as shop:
        statuses = [(await shop.call("GET", "/api/v1/orders", token=f"bad.{n}.x")).status for n in range(5)]
        assert statuses == [401, 401, 401, 429, 429]


async def test_without_redis_logins_are_refused_and_the_rest_goes_on(engines, prefix):
    async with (
        redis_relay(engines.redis) as relay,
        door(engines, prefix, "orders", "catalog", redis_url=relay.url) as shop,
    ):
        token = shop.issuer.token()
        for target in ("/api/v1/orders", "/api/v1/products"):
            assert (await shop.call("GET", target, token=token)).status == 200
        relay.cut()
        answer = await shop.call("POST", "/api/v1/auth/login", json={})
        assert (answer.status, answer.code) == (503, "limits_unavailable")
        for target in ("/api/v1/orders", "/api/v1/products"):
            answer = await shop.call("GET", target, token=token)
            assert answer.status == 200
            assert "RateLimit-Limit" not in answer.headers
        assert (await shop.call("GET", "/api/v1/status")).json["limits_counted"] is False
        relay.mend()

        async def counted_again():
            return "RateLimit-Limit" in (await shop.call("GET", "/api/v1/orders", token=token)).headers

        await until(counted_again)


async def test_two_gateways_count_together(engines, prefix):
    async with (
        door(engines, prefix, "orders", limit_checkout="60/60/4") as one,
        door(engines, prefix, limit_checkout="60/60/4", instance="gateway-2") as two,
    ):
        # both know both issuers' keys only by their own auth; the principal is the same person
        sub = one.issuer.claims()["sub"]
        two.fakes["auth"].documents.update(one.issuer.documents)
        tokens = (one.issuer.token(sub=sub), one.issuer.token(sub=sub))
        answers = await asyncio.gather(
            *(door_.call("GET", "/api/v1/orders", token=tokens[0]) for door_ in (one, two) for _ in range(4))
        )
        assert [answer.status for answer in answers].count(200) == 4
