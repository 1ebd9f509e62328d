import hashlib

import pytest
from redis.asyncio import Redis

from shared.scopes import AREAS, SCOPES
from tests.support.auth_steps import (
    PASSWORD,
    as_user,
    auth_served,
    new_api_key,
    register,
    reset,
    reset_token,
    rows_of,
    verified,
)
from tests.support.services import until

pytestmark = pytest.mark.service("auth")


async def test_a_key_is_shown_once_and_speaks_for_its_owner_within_its_scopes(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        me = as_user(user["user_id"], None)
        status, made = await new_api_key(auth, me, "orders:read", "catalog:read", "orders:read")
        assert status == 201
        assert made["key"].startswith(f"ssk_{made['described']['prefix']}_")
        status, word = await verified(auth, made["key"])
        assert (status, word["user_id"], word["roles"]) == (200, user["user_id"], ["customer"])
        assert word["scopes"] == ["catalog:read", "orders:read"]
        _, listed = await auth.call("GET", "/api/v1/auth/api-keys", principal=me)
        assert [item["prefix"] for item in listed["items"]] == [made["described"]["prefix"]]
        secret = made["key"].rpartition(made["described"]["prefix"] + "_")[2]
        assert secret not in str(listed)
        (row,) = await fetch("SELECT * FROM api_keys")
        assert row["digest"] == hashlib.sha256(secret.encode()).digest()
        stored = [
            dict(one) for table in ("api_keys", "outbox", "security_events") for one in await fetch(f"TABLE {table}")
        ]
        assert secret not in str(stored)
        assert row["last_used_at"] is not None


@pytest.mark.parametrize("scope", ["orders", "orders:admin", "auth:write", "*", "", "orders:read\n"])
async def test_a_scope_that_is_none_is_named(engines, prefix, scope):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        status, problem = await new_api_key(auth, as_user(user["user_id"], None), "orders:read", scope)
        assert (status, problem["code"], problem["scope"]) == (422, "unknown_scope", scope)
        assert problem["known"] == sorted(SCOPES)
        assert len(problem["known"]) == 2 * len(AREAS)


async def test_a_stolen_session_alone_makes_no_key(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        status, problem = await new_api_key(auth, as_user(user["user_id"], None), "orders:read", password="guess")
        assert (status, problem["code"]) == (401, "invalid_credentials")
        assert await fetch("SELECT 1 FROM api_keys") == []


async def test_whatever_is_not_the_key_to_the_letter_is_worth_nothing(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        me = as_user(user["user_id"], None)
        _, made = await new_api_key(auth, me, "orders:read")
        key, mark = made["key"], f"ssk_{made['described']['prefix']}_"
        other = "A" if key[-1] != "A" else "B"
        for wrong in (
            mark,
            key[:-1],
            key[:-1] + other,
            key + "A",
            key.upper(),
            f"ssk_{'a' * 12}_{'A' * 43}",
            "%",
            "ssk_",
        ):
            status, problem = await verified(auth, wrong)
            assert (status, problem["code"]) == (401, "invalid_api_key"), wrong
        assert (await verified(auth, key))[0] == 200
        await fetch("UPDATE api_keys SET expires_at = clock_timestamp()")
        assert (await verified(auth, key))[0] == 401


async def test_a_key_that_was_taken_back_is_announced_to_the_gateways(engines, prefix):
    async with auth_served(engines, prefix) as auth, Redis.from_url(engines.redis) as redis:
        user, other = await register(auth), await register(auth)
        me = as_user(user["user_id"], None)
        _, made = await new_api_key(auth, me, "orders:read")
        path = f"/api/v1/auth/api-keys/{made['described']['id']}"
        status, problem = await auth.call("DELETE", path, principal=as_user(other["user_id"], None))
        assert (status, problem["code"]) == (404, "unknown_api_key")
        assert (await verified(auth, made["key"]))[0] == 200
        assert [(await auth.call("DELETE", path, principal=me))[0] for _ in range(2)] == [204, 204]
        assert (await verified(auth, made["key"]))[0] == 401
        await until(lambda: redis.zscore(f"{prefix}auth:revoked", made["described"]["id"]))


@pytest.mark.parametrize("loss", ["disabled", "demoted", "erased", "password reset"])
async def test_keys_end_with_what_they_were_made_on(engines, prefix, loss):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        me = as_user(user["user_id"], None)
        staff = f"/api/v1/users/{user['user_id']}"
        await auth.call("PATCH", staff, json={"roles": ["customer", "seller"]})
        _, made = await new_api_key(auth, me, "catalog:write")
        assert (await verified(auth, made["key"]))[1]["roles"] == ["customer", "seller"]
        await auth.call("PATCH", staff, json={"roles": ["customer", "seller", "support"]})
        assert (await verified(auth, made["key"]))[1]["roles"] == ["customer", "seller", "support"]
        match loss:
            case "disabled":
                await auth.call("PATCH", staff, json={"status": "disabled"})
                await auth.call("PATCH", staff, json={"status": "active"})
            case "demoted":
                await auth.call("PATCH", staff, json={"roles": ["customer"]})
            case "erased":
                await auth.call("DELETE", "/api/v1/auth/me", principal=me)
            case _:
                token = await reset_token(auth, user["email"])
                assert (await reset(auth, token, "another good one"))[0] == 200
        assert (await verified(auth, made["key"]))[0] == 401


async def test_twenty_keys_are_enough(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        me = as_user((await register(auth))["user_id"], None)
        statuses = [(await new_api_key(auth, me, "orders:read"))[0] for _ in range(21)]
        assert statuses == [201] * 20 + [409]
        assert len((await auth.call("GET", "/api/v1/auth/api-keys", principal=me))[1]["items"]) == 20


async def test_only_a_service_may_ask_about_a_key(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        me = as_user((await register(auth))["user_id"], None, "customer", "admin")
        _, made = await new_api_key(auth, me, "orders:read")
        assert (await verified(auth, made["key"], principal=me))[0] == 403
        assert (await verified(auth, made["key"], anonymous=True))[0] == 401


async def test_a_key_needs_the_right_password_and_a_scope(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        me = as_user((await register(auth))["user_id"], None)
        body = {"name": "script", "scopes": [], "password": PASSWORD}
        for wrong in (body, {**body, "scopes": ["orders:read"], "roles": ["admin"]}, {**body, "expires_in_days": 366}):
            assert (await auth.call("POST", "/api/v1/auth/api-keys", principal=me, json=wrong))[0] == 400
