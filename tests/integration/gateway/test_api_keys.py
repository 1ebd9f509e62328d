import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.identity import InternalTokens
from tests.support.auth_steps import as_user, auth_served, new_api_key, register
from tests.support.fakes.echo_service import echo
from tests.support.gateway_steps import door
from tests.support.services import INTERNAL_SECRET, served, until

pytestmark = pytest.mark.service("gateway")

KEY = "ssk_abcdefghijkl_" + "A" * 43
VERIFY = "/internal/api-keys/verify"


def word(*scopes, **changes):
    """What auth says of a key."""
    return {
        "key_id": str(uuid4()), "user_id": str(uuid4()), "email": "ann@example.com", "roles": ["customer"],
        "scopes": list(scopes), "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), **changes,
    }  # fmt: skip


async def test_a_key_passes_within_its_scopes_and_never_reaches_a_service(engines, prefix):
    async with door(engines, prefix, "orders", "catalog") as shop:
        shop.fakes["auth"].documents[VERIFY] = said = word("orders:read", "catalog:write")
        allowed = await shop.call("GET", "/api/v1/orders", token=KEY)
        assert allowed.status == 200
        (seen,) = shop.fakes["orders"].requests
        assert KEY not in str(seen)
        principal = InternalTokens(INTERNAL_SECRET).verify(seen["headers"]["x-internal-token"], "orders")
        assert (principal.subject, principal.roles) == (said["user_id"], {"customer"})
        for method, path, scope in (
            ("POST", "/api/v1/orders", "orders:write"),
            ("DELETE", "/api/v1/cart", "orders:write"),
            ("GET", "/api/v1/products", "catalog:read"),
            ("GET", "/api/v1/auth/me", "auth:read"),
            ("POST", "/api/v1/auth/api-keys", "auth:write"),
            ("GET", "/api/v1/users", "auth:read"),
        ):
            refused = await shop.call(method, path, token=KEY)
            assert (refused.status, refused.code, refused.json["scope"]) == (403, "scope_missing", scope)
        assert (await shop.call("POST", "/api/v1/products", token=KEY)).status == 200
        assert len(shop.fakes["orders"].requests) == 1


async def test_many_requests_with_one_key_ask_auth_once(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        asked = shop.fakes["auth"].asked
        shop.fakes["auth"].documents[VERIFY] = word("orders:read")
        answers = await asyncio.gather(*(shop.call("GET", "/api/v1/orders", token=KEY) for _ in range(30)))
        assert {answer.status for answer in answers} == {200}
        assert asked.count(VERIFY) == 1


async def test_each_key_has_a_limit_of_its_own(engines, prefix):
    async with door(engines, prefix, "orders", limit_api_key="60/60/3") as shop:
        owner = str(uuid4())
        shop.fakes["auth"].documents[VERIFY] = word("orders:read", user_id=owner)
        statuses = [(await shop.call("GET", "/api/v1/orders", token=KEY)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        shop.fakes["auth"].documents[VERIFY] = word("orders:read", user_id=owner)
        assert (await shop.call("GET", "/api/v1/orders", token=KEY[:-1] + "B")).status == 200
        # the owner's own requests are counted apart
        token = shop.issuer.token(sub=owner)
        assert (await shop.call("GET", "/api/v1/orders", token=token)).status == 200


async def test_the_keys_of_one_owner_share_the_owners_limit(engines, prefix):
    async with door(engines, prefix, "orders", limit_checkout="60/60/4") as shop:
        owner = str(uuid4())
        statuses = []
        for letter in "BCDEFG":
            shop.fakes["auth"].documents[VERIFY] = word("orders:read", user_id=owner)
            statuses.append((await shop.call("GET", "/api/v1/orders", token=KEY[:-1] + letter)).status)
        assert statuses == [200] * 4 + [429] * 2


async def test_a_key_that_was_taken_back_is_refused_at_the_next_look(engines, prefix):
    async with door(engines, prefix, "orders") as shop, Redis.from_url(engines.redis) as redis:
        shop.fakes["auth"].documents[VERIFY] = said = word("orders:read")
        assert (await shop.call("GET", "/api/v1/orders", token=KEY)).status == 200
        await redis.zadd(f"{prefix}auth:revoked", {said["key_id"]: datetime.now(UTC).timestamp()})

        async def refused():
            answer = await shop.call("GET", "/api/v1/orders", token=KEY)
            return answer.status == 401 and answer.code == "invalid_token"

        await until(refused)


async def test_guessed_keys_are_counted_by_address(engines, prefix):
    async with door(engines, prefix, "orders", limit_refused_tokens="60/60/3") as shop:
        shop.fakes["auth"].refusals[VERIFY] = 401
        answers = [await shop.call("GET", "/api/v1/orders", token=f"ssk_{n}") for n in range(6)]
        assert [answer.status for answer in answers] == [401] * 3 + [429] * 3
        assert shop.fakes["orders"].requests == []


async def test_a_key_that_nobody_can_judge_right_now_is_no_fault_of_its_holder(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        shop.fakes["auth"].refusals[VERIFY] = 500
        answer = await shop.call("GET", "/api/v1/orders", token=KEY)
        assert (answer.status, answer.code) == (503, "identity_unavailable")
        assert "retry-after" in {name.lower() for name in answer.headers}


async def test_a_key_of_auths_own_making_opens_the_shop_until_it_is_taken_back(engines, prefix):
    async with (
        echo(engines, prefix, "orders"),
        auth_served(engines, prefix) as auth,
        served(engines, "gateway", prefix=prefix) as gateway,
    ):
        me = as_user((await register(auth))["user_id"], None)
        _, made = await new_api_key(auth, me, "orders:read")
        bearer = {"Authorization": f"Bearer {made['key']}"}

        async def passes():
            return (await gateway.call("GET", "/api/v1/orders", anonymous=True, headers=bearer))[0]

        assert await passes() == 200
        assert (await gateway.call("GET", "/api/v1/auth/api-keys", anonymous=True, headers=bearer))[0] == 403
        await auth.call("DELETE", f"/api/v1/auth/api-keys/{made['described']['id']}", principal=me)

        async def closed():
            return await passes() == 401

        await until(closed)
