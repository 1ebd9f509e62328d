"""Secrets stay out of logs, and an answer to a failure tells nothing of the inside."""

import json
from uuid import UUID

import asyncpg
import pyotp
import pytest

from shared import one_time_tokens
from shared.identity import HEADER
from tests.support.apps import BEHIND, OF_THE_LIBRARY, routes
from tests.support.auth_steps import (
    as_user,
    ask_to_register,
    auth_served,
    claims_of,
    confirm,
    login,
    new_api_key,
    new_email,
    refresh,
    register,
    token_of,
    totp,
    verified,
)
from tests.support.builders.orders import customer, place
from tests.support.fakes.shop import shop
from tests.support.probes import PRIVILEGED, ask, filled, person
from tests.support.rows import add_payments
from tests.support.services import INTERNAL_SECRET, WEBHOOK_SECRET, served
from tests.support.statements import API_ONLY
from tests.support.written_log import written_log

CARD = "4111111111111111"
WITHOUT_BODY = ("/api/v1/guest",)
PASSWORD = "tr0ub4dor-and-3-horses"
INSIDE = ("traceback", "site-packages", ".py", "asyncpg", "sqlalchemy", "select ", "insert ", "relation", "postgres")


def _lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _paths(stream):
    return {line.get("path") for line in _lines(stream) if line["event"] == "request"}


@pytest.mark.service("auth")
async def test_no_password_and_no_token_is_in_the_log_of_auth(engines, prefix):
    with written_log("auth") as stream:
        async with auth_served(engines, prefix, **API_ONLY) as auth:
            email = new_email()
            await register(auth, email, password=PASSWORD)
            _, pair = await login(auth, email, PASSWORD)
            _, second = await refresh(auth, pair["refresh_token"])
            await refresh(auth, pair["refresh_token"])  # reuse is told to the log
            await login(auth, email, PASSWORD + "-wrong")
            await login(auth, PASSWORD, PASSWORD)
            await register(auth, new_email(), password=PASSWORD, name="Eve")
            bad = f'{{"email": "x", "password": "{PASSWORD}", "name": 1}}'
            url = "/api/v1/auth/register"
            assert (await auth.call("POST", url, anonymous=True, data=bad))[0] == 400
            await auth.call("GET", f"/api/v1/auth/me?access_token={second['access_token']}", anonymous=True)
            await auth.call("GET", "/api/v1/auth/me", headers={HEADER: second["access_token"]})
            me = as_user(claims_of(second["access_token"])["sub"], None)
            _, made = await new_api_key(auth, me, "orders:read", password=PASSWORD)
            assert (await verified(auth, made["key"]))[0] == 200
            await verified(auth, made["key"] + "A")
            _, factor = await totp(auth, me, "", password=PASSWORD)
            code = pyotp.TOTP(factor["secret"]).now()
            _, shown = await totp(auth, me, "/confirm", code=code)
            await login(auth, email, PASSWORD, code=shown["recovery_codes"][0])
            await ask_to_register(auth, email, PASSWORD)
            letter = await token_of(auth, one_time_tokens.REGISTRATION, email)
            assert (await confirm(auth, letter))[0] == 409
            internal = auth.headers()[HEADER]
        log = stream.getvalue()
    assert {"/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/register"} <= _paths(stream)
    secrets = [PASSWORD, pair["refresh_token"], pair["access_token"], second["refresh_token"], second["access_token"]]
    secrets += [made["key"], factor["secret"], letter, *shown["recovery_codes"]]
    assert [secret for secret in (*secrets, internal, INTERNAL_SECRET) if secret in log] == []


@pytest.mark.service("payments")
async def test_a_card_number_is_refused_and_in_no_log(engines, prefix):
    spellings = [CARD, "4111 1111 1111 1111", "4111-1111-1111-1111"]
    with written_log("payments") as stream:
        async with served(engines, "payments", prefix=prefix, **API_ONLY) as payments:
            buyer = person("customer")
            await add_payments(payments, UUID(buyer.subject), 1)
            (owned,) = (await payments.call("GET", "/api/v1/payments", principal=buyer))[1]["items"]
            path = f"/api/v1/payments/{owned['id']}/refunds"
            for number in spellings:
                for document in ({"reason": number}, {"reason": "x", "card": {"number": number}}):
                    status, problem = await payments.call(
                        "POST", path, principal=person("support"), json=document, headers={"Idempotency-Key": "k"}
                    )
                    assert (status, problem["code"]) == (422, "card_data_refused")
                    assert number not in str(problem)
    assert path in _paths(stream)
    assert [number for number in spellings if number in stream.getvalue()] == []


@pytest.mark.service("orders")
async def test_a_card_number_in_an_order_is_refused_and_in_no_log(engines, prefix):
    with written_log("orders") as stream:
        async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
            for number in (CARD, f"tok_{CARD}", f"tok_x_{CARD}"):
                status, problem = await place(orders, customer(), ("A", 1), payment_method=number)
                assert (status, problem["code"]) == (422, "card_data_refused"), number
            assert fakes.inventory.holds == {}
            own = [
                route
                for route in routes("orders")
                if route.method in {"POST", "PUT", "PATCH"} and not route.path.startswith(OF_THE_LIBRARY)
            ]
            takers = [route for route in own if route.path not in WITHOUT_BODY]
            assert len(takers) >= 10
            for route in takers:
                wish = {"note": f"{CARD[:4]} {CARD[4:]}"}
                status, problem = await orders.call(route.method, filled(route.path), json=wish, principal=PRIVILEGED)
                assert (status, problem["code"]) == (422, "card_data_refused"), route
            connection = await asyncpg.connect(orders.settings.database_url)
            try:
                stored = await connection.fetchval(
                    "SELECT count(*) FROM sagas s WHERE to_jsonb(s)::text LIKE '%' || $1 || '%'", CARD
                )
            finally:
                await connection.close()
            assert stored == 0
    assert "/api/v1/orders" in _paths(stream)
    assert [number for number in (CARD, f"{CARD[:4]} {CARD[4:]}") if number in stream.getvalue() + str(problem)] == []


@pytest.mark.parametrize("name", BEHIND)
async def test_what_a_broken_service_answers_tells_nothing_of_the_inside(engines, prefix, name):
    """Its tables are gone, so that its code fails in the middle."""
    with written_log(name) as stream:
        async with served(engines, name, prefix=prefix, **API_ONLY) as service:
            connection = await asyncpg.connect(service.settings.database_url)
            try:
                await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            finally:
                await connection.close()
            broken = 0
            for route in routes(name):
                if route.method != "GET" or route.path.startswith(("/openapi", "/health", "/metrics")):
                    continue
                for caller in (PRIVILEGED, person("customer", "admin", "support", "service")):
                    status, problem = await ask(service, route, headers=service.headers(caller))
                    if status < 500:
                        continue
                    broken += 1
                    assert (problem["status"], problem["type"][:4]) == (status, "urn:"), route
                    assert len(problem["trace_id"]) == 32, (str(route), problem)
                    told = json.dumps({**problem, "trace_id": ""}).lower()
                    assert [word for word in INSIDE if word in told] == [], route
                    assert any(line["trace_id"] == problem["trace_id"] for line in _lines(stream)), route
            assert broken
    assert WEBHOOK_SECRET not in stream.getvalue()
    assert INTERNAL_SECRET not in stream.getvalue()


@pytest.mark.parametrize("name", BEHIND)
async def test_a_log_line_cannot_be_forged_by_what_a_caller_sends(engines, prefix, name):
    forged = '%0A{"level":"error","event":"forged"}'
    with written_log(name) as stream:
        async with served(engines, name, prefix=prefix, **API_ONLY) as service:
            headers = {"User-Agent": 'x"}', "X-Request-Id": "1"}
            await service.call("GET", f"/api/v1/nothing{forged}", headers=headers)
            await service.call("GET", f"/metrics/{forged}", headers=headers)
    assert "forged" not in {line["event"] for line in _lines(stream)}


@pytest.mark.service("auth")
async def test_a_token_holds_nothing_but_what_it_is_for(engines, prefix):
    async with auth_served(engines, prefix, **API_ONLY) as auth:
        user = await register(auth)
        _, pair = await login(auth, user["email"])
        claims = claims_of(pair["access_token"])
        assert set(claims) == {"iss", "aud", "sub", "sid", "roles", "email", "iat", "exp", "jti"}
        _, page = await auth.call("GET", "/api/v1/users")
        assert "argon2" not in json.dumps(page)
        assert not {"password", "password_hash", "refresh_token"} & set(page["items"][0])
