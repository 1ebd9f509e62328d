import base64
import json
from uuid import UUID

import pytest
from redis.asyncio import Redis

from shared.identity import Principal
from tests.support.auth_steps import PASSWORD, as_user, auth_served, login, new_email, refresh, register, rows_of
from tests.support.services import topics, until

pytestmark = pytest.mark.service("auth")


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


async def test_a_registered_customer_logs_in_and_gets_the_promised_claims(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth, "Ada@Example.com")
        assert user["email"] == "ada@example.com"
        status, pair = await login(auth, "ADA@example.com")
        assert status == 200
        header, claims = parts(pair["access_token"])
        assert header == {"alg": "Ed25519", "typ": "at+jwt", "kid": header["kid"]}
        assert (claims["iss"], claims["aud"], claims["sub"]) == ("shopstream", "shopstream-api", user["user_id"])
        assert claims["exp"] - claims["iat"] == pair["expires_in"] == 600
        assert (claims["roles"], claims["email"]) == (["customer"], "ada@example.com")
        assert UUID(claims["sid"])
        _, keys = await auth.call("GET", "/.well-known/jwks.json", anonymous=True)
        assert header["kid"] in {key["kid"] for key in keys["keys"]}
        assert all("d" not in key for key in keys["keys"])


async def test_wrong_password_and_unknown_account_get_the_same_answer(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        wrong, unknown = await login(auth, user["email"], "wrong password"), await login(auth, new_email())
        for status, body in (wrong, unknown):
            assert (status, body["code"]) == (401, "invalid_credentials")
        assert {**wrong[1], "trace_id": ""} == {**unknown[1], "trace_id": ""}


@pytest.mark.parametrize(
    ("password", "rule"),
    [("short7!", "length"), ("x" * 129, "length"), ("Password123", "common"), ("aaaaaaaaaa", "common")],
)
async def test_a_weak_password_is_refused_with_its_rule(engines, prefix, password, rule):
    async with auth_served(engines, prefix) as auth:
        body = {"email": new_email(), "password": password, "name": "A"}
        status, answer = await auth.call("POST", "/api/v1/auth/register", anonymous=True, json=body)
        assert (status, answer["code"], answer["rule"]) == (422, "weak_password", rule)


async def test_every_character_of_a_long_password_counts(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        long = "long enough " * 10 + "!"
        user = await register(auth, password=long)
        assert (await login(auth, user["email"], long[:-1]))[0] == 401
        assert (await login(auth, user["email"], long))[0] == 200


@pytest.mark.parametrize(
    ("field", "value"), [("roles", ["admin"]), ("id", "x"), ("status", "active"), ("email_verified", True)]
)
async def test_registration_names_fields_that_are_not_a_customers_to_set(engines, prefix, field, value):
    async with auth_served(engines, prefix) as auth:
        body = {"email": new_email(), "password": PASSWORD, "name": "B", field: value}
        status, answer = await auth.call("POST", "/api/v1/auth/register", anonymous=True, json=body)
        assert (status, answer["code"], answer["errors"][0]["field"]) == (400, "invalid_body", field)


async def test_a_refresh_token_is_exchanged_for_its_successor(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        _, first = await login(auth, user["email"])
        status, second = await refresh(auth, first["refresh_token"])
        assert status == 200
        assert second["refresh_token"] != first["refresh_token"]
        assert parts(second["access_token"])[1]["sid"] == parts(first["access_token"])[1]["sid"]


async def test_using_a_refresh_token_again_ends_the_whole_family(engines, prefix):
    async with auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        _, first = await login(auth, user["email"])
        _, second = await refresh(auth, first["refresh_token"])
        status, body = await refresh(auth, first["refresh_token"])
        assert (status, body["code"]) == (401, "invalid_refresh_token")
        assert (await refresh(auth, second["refresh_token"]))[0] == 401
        kinds = [row["kind"] for row in await fetch("SELECT kind FROM audit.security_events")]
        assert "refresh_reused" in kinds


async def test_logout_ends_the_session_and_tells_the_gateways(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        sid = parts(pair["access_token"])[1]["sid"]
        principal = as_user(user["user_id"], sid)
        assert (await auth.call("GET", "/api/v1/auth/me", principal=principal))[0] == 200
        assert (await auth.call("POST", "/api/v1/auth/logout", principal=principal))[0] == 204
        status, body = await auth.call("GET", "/api/v1/auth/me", principal=principal)
        assert (status, body["code"]) == (401, "session_ended")
        assert (await refresh(auth, pair["refresh_token"]))[0] == 401
        async with Redis.from_url(engines.redis) as redis:
            await until(lambda: redis.zscore(f"{prefix}auth:revoked", sid))


async def test_each_login_is_a_new_session(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        sids = {parts((await login(auth, user["email"]))[1]["access_token"])[1]["sid"] for _ in range(3)}
        assert len(sids) == 3
        principal = as_user(user["user_id"], sids.pop())
        _, listed = await auth.call("GET", "/api/v1/auth/sessions", principal=principal)
        assert len(listed["items"]) == 3
        other = sids.pop()
        stranger = await register(auth)
        status, _ = await auth.call(
            "DELETE", f"/api/v1/auth/sessions/{other}", principal=as_user(stranger["user_id"], None)
        )
        assert status == 404
        assert (await auth.call("DELETE", f"/api/v1/auth/sessions/{other}", principal=principal))[0] == 204
        _, listed = await auth.call("GET", "/api/v1/auth/sessions", principal=principal)
        assert len(listed["items"]) == 2


async def test_a_new_password_ends_the_other_sessions_and_replaces_the_old_one(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user = await register(auth)
        _, here = await login(auth, user["email"])
        _, there = await login(auth, user["email"])
        principal = as_user(user["user_id"], parts(here["access_token"])[1]["sid"])
        change = {"current_password": PASSWORD, "new_password": "another good one"}
        wrong = {**change, "current_password": "not this one"}
        assert (await auth.call("POST", "/api/v1/auth/password", principal=principal, json=wrong))[0] == 401
        status, body = await auth.call("POST", "/api/v1/auth/password", principal=principal, json=change)
        assert (status, body) == (200, {"sessions_ended": 1})
        assert (await refresh(auth, there["refresh_token"]))[0] == 401
        assert (await refresh(auth, here["refresh_token"]))[0] == 200
        assert (await login(auth, user["email"]))[0] == 401
        assert (await login(auth, user["email"], "another good one"))[0] == 200


async def test_registration_and_erasure_are_told_on_kafka_in_order(engines, prefix):
    async with topics(engines, prefix), auth_served(engines, prefix) as auth, rows_of(auth) as fetch:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        principal = as_user(user["user_id"], parts(pair["access_token"])[1]["sid"])
        assert (await auth.call("DELETE", "/api/v1/auth/me", principal=principal))[0] == 204
        assert (await login(auth, user["email"]))[0] == 401

        async def told():
            rows = await fetch("SELECT type, aggregate_version, sent_at FROM audit.outbox ORDER BY created_at")
            return [tuple(row)[:2] for row in rows] if all(row["sent_at"] for row in rows) else None

        assert await until(told) == [
            ("user.registration_requested", 1),
            ("user.registered", 2),
            ("user.deleted", 3),
        ]


async def test_anonymous_callers_of_the_gateway_are_nobody(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        nobody = Principal(subject="anonymous", kind="anonymous")
        for method, path in (("GET", "/me"), ("POST", "/logout"), ("GET", "/sessions")):
            status, _ = await auth.call(method, f"/api/v1/auth{path}", principal=nobody)
            assert status == 401
            status, _ = await auth.call(method, f"/api/v1/auth{path}", anonymous=True)
            assert status == 401


async def test_signing_out_everywhere_ends_every_session_and_no_other_persons(engines, prefix):
    async with auth_served(engines, prefix) as auth:
        user, other = await register(auth), await register(auth)
        tokens = [(await login(auth, user["email"]))[1] for _ in range(3)]
        _, theirs = await login(auth, other["email"])
        sid = parts(tokens[0]["access_token"])[1]["sid"]
        principal = as_user(user["user_id"], sid)
        status, ended = await auth.call("POST", "/api/v1/auth/logout-everywhere", principal=principal)
        assert (status, list(ended.values())) == (200, [3])
        assert {(await refresh(auth, one["refresh_token"]))[0] for one in tokens} == {401}
        assert (await refresh(auth, theirs["refresh_token"]))[0] == 200
