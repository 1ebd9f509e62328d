import base64
import hashlib
import hmac
import json
import time

import pytest
from joserfc.jwk import OctKey, OKPKey
from redis.asyncio import Redis

from tests.support.auth_steps import auth_served, login, register
from tests.support.fakes.echo_service import echo
from tests.support.fakes.token_issuer import TokenIssuer
from tests.support.gateway_steps import door
from tests.support.services import served, until

pytestmark = pytest.mark.service("gateway")


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(issuer, alg):
    return f"{encoded({'alg': alg, 'typ': 'at+jwt', 'kid': issuer.kid})}.{encoded(issuer.claims())}."


def confused(issuer):
    """HS256 keyed with the public key, for a verifier that takes the algorithm from the token."""
    public = base64.urlsafe_b64decode(issuer.key.as_dict(private=False)["x"] + "==")
    signed = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': issuer.kid})}.{encoded(issuer.claims())}"
    return f"{signed}.{encoded(hmac.new(public, signed.encode(), hashlib.sha256).digest())}"


def tampered(issuer):
    header, _, signature = issuer.token().split(".")
    return f"{header}.{encoded(issuer.claims(roles=['admin']))}.{signature}"


now = int(time.time())
other_key = OKPKey.generate_key("Ed25519", {"kid": "test-key"})
ATTACKS = {
    "alg none": lambda issuer: unsigned(issuer, "none"),
    "alg None": lambda issuer: unsigned(issuer, "None"),
    "alg Ed25519 without a signature": lambda issuer: unsigned(issuer, "Ed25519"),
    "key confusion": confused,
    "tampered claims": tampered,
    "foreign key under our kid": lambda issuer: issuer.token(key=other_key),
    "unknown kid": lambda issuer: issuer.token(header={"kid": "unknown"}),
    "kid as a path": lambda issuer: issuer.token(header={"kid": "../../dev/null"}),
    "kid as SQL": lambda issuer: issuer.token(header={"kid": "x' UNION SELECT 'k"}),
    "symmetric": lambda issuer: issuer.token(header={"alg": "HS256"}, key=OctKey.import_key("k" * 32)),
    "expired": lambda issuer: issuer.token(iat=now - 700, exp=now - 100),
    "expires only in a year": lambda issuer: issuer.token(exp=now + 365 * 86_400),
    "no expiry": lambda issuer: issuer.token(exp=None),
    "expiry as text": lambda issuer: issuer.token(exp="soon"),
    "issued in the future": lambda issuer: issuer.token(iat=now + 3_000, exp=now + 3_100),
    "wrong audience": lambda issuer: issuer.token(aud="other"),
    "audience among others": lambda issuer: issuer.token(aud=["shopstream-api", "other"]),
    "no audience": lambda issuer: issuer.token(aud=None),
    "wrong issuer": lambda issuer: issuer.token(iss="evil"),
    "no subject": lambda issuer: issuer.token(sub=None),
    "no session": lambda issuer: issuer.token(sid=None),
    "wrong type": lambda issuer: issuer.token(header={"typ": "JWT"}),
    "refresh token": lambda _: "rt_" + "a" * 43,
    "empty parts": lambda _: "..",
    "garbage": lambda _: "a.b.c",
    "too long": lambda _: "a" * 5_000,
    "not ascii": lambda _: "e\u00e9.b.c",
}


async def test_no_forged_token_gets_in(engines, prefix):
    async with door(engines, prefix, "orders", limit_refused_tokens="1000/1") as shop:
        assert (await shop.call("GET", "/api/v1/orders", token=shop.issuer.token())).status == 200
        admitted = len(shop.fakes["orders"].requests)
        for name, forge in ATTACKS.items():
            answer = await shop.call("GET", "/api/v1/orders", token=forge(shop.issuer))
            assert (answer.status, answer.code) == (401, "invalid_token"), name
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert len(shop.fakes["orders"].requests) == admitted


@pytest.mark.parametrize("header", ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"])
async def test_a_token_that_brings_its_own_key_or_rules_is_refused_without_a_request(engines, prefix, header):
    async with door(engines, prefix, "orders") as shop:
        victim = shop.fakes["orders"]
        evil = OKPKey.generate_key("Ed25519", {"kid": "evil"})
        value = {
            "jku": f"{victim.url}/jwks.json", "x5u": f"{victim.url}/cert", "jwk": evil.as_dict(private=False),
            "x5c": ["AAAA"], "crit": ["b64"], "b64": False, "zip": "DEF",
        }[header]  # fmt: skip
        part = encoded({"alg": "Ed25519", "typ": "at+jwt", "kid": shop.issuer.kid, header: value})
        _, claims, signature = shop.issuer.token().split(".")
        answer = await shop.call("GET", "/api/v1/orders", token=f"{part}.{claims}.{signature}")
        assert (answer.status, answer.code) == (401, "invalid_token")
        assert victim.requests == []


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "token x", "Bearer a b"])
async def test_other_authorizations_are_refused(engines, prefix, value):
    async with door(engines, prefix, "orders") as shop:
        answer = await shop.call("GET", "/api/v1/orders", headers={"Authorization": value})
        assert (answer.status, answer.code) == (401, "invalid_token")


async def test_routes_that_are_not_public_need_a_token(engines, prefix):
    async with door(engines, prefix, "orders", "catalog", "payments") as shop:
        for method, target in (
            ("GET", "/api/v1/orders"), ("POST", "/api/v1/products"), ("DELETE", "/api/v1/products/1"),
            ("POST", "/api/v1/stock/receipts"), ("GET", "/api/v1/users"), ("POST", "/api/v1/payments/1/refunds"),
        ):  # fmt: skip
            answer = await shop.call(method, target)
            assert (answer.status, answer.code) == (401, "unauthenticated"), target
        assert not shop.fakes["orders"].requests
        assert not shop.fakes["catalog"].requests


async def test_a_user_token_never_carries_the_roles_of_services(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        token = shop.issuer.token(roles=["customer", "service", "operator", "root"])
        answer = await shop.call("GET", "/api/v1/orders", token=token)
        claims = json.loads(base64.urlsafe_b64decode(answer.json["headers"]["x-internal-token"].split(".")[1] + "=="))
        assert (claims["roles"], claims["kind"]) == (["customer"], "customer")


async def test_a_token_stops_working_when_it_expires_also_from_memory(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        token = shop.issuer.token(exp=int(time.time()) + 2)
        assert (await shop.call("GET", "/api/v1/orders", token=token)).status == 200

        async def refused():
            return (await shop.call("GET", "/api/v1/orders", token=token)).status == 401

        await until(refused, deadline_s=4, every_s=0.1)


async def test_an_ended_session_is_refused_within_a_second(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        claims = shop.issuer.claims()
        token = shop.issuer.token(sid=claims["sid"])
        assert (await shop.call("GET", "/api/v1/orders", token=token)).status == 200
        async with Redis.from_url(engines.redis) as redis:
            await redis.zadd(f"{prefix}auth:revoked", {claims["sid"]: time.time()})
        started = time.monotonic()

        async def refused():
            return (await shop.call("GET", "/api/v1/orders", token=token)).status == 401

        await until(refused, deadline_s=2)
        assert time.monotonic() - started < 1.0


async def test_a_new_key_is_fetched_once_for_many_tokens(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        assert (await shop.call("GET", "/api/v1/orders", token=shop.issuer.token())).status == 200
        shop.issuer.key, shop.issuer.kid = OKPKey.generate_key("Ed25519", {"kid": "next"}), "next"
        shop.fakes["auth"].documents.update(shop.issuer.documents)

        async def accepted():
            return (await shop.call("GET", "/api/v1/orders", token=shop.issuer.token())).status == 200

        await until(accepted, deadline_s=3)


async def test_a_withdrawn_key_takes_its_verified_tokens_with_it(engines, prefix):
    async with door(engines, prefix, "orders") as shop:
        old = shop.issuer.token()
        assert (await shop.call("GET", "/api/v1/orders", token=old)).status == 200
        shop.issuer.key, shop.issuer.kid = OKPKey.generate_key("Ed25519", {"kid": "next"}), "next"
        shop.fakes["auth"].documents.update(shop.issuer.documents)

        async def accepted():
            return (await shop.call("GET", "/api/v1/orders", token=shop.issuer.token())).status == 200

        await until(accepted, deadline_s=3)
        assert (await shop.call("GET", "/api/v1/orders", token=old)).status == 401


async def test_without_a_key_set_nobody_is_called_a_forger(engines, prefix):
    async with echo(engines, prefix, "orders"), served(engines, "gateway", prefix=prefix) as gateway:
        status, body = await gateway.call(
            "GET", "/api/v1/orders", anonymous=True, headers={"Authorization": f"Bearer {_any_token()}"}
        )
        assert (status, body["code"]) == (503, "identity_unavailable")


def _any_token():
    return TokenIssuer().token()


async def test_the_whole_way_of_a_customer_through_the_real_auth(engines, prefix):
    async with (
        auth_served(engines, prefix) as auth,
        echo(engines, prefix, "orders"),
        served(engines, "gateway", prefix=prefix) as gateway,
    ):

        async def ready():
            status, _ = await gateway.call("GET", "/.well-known/jwks.json", anonymous=True)
            return status == 200

        await until(ready)
        auth.url = gateway.url  # everything from here on goes through the door
        user = await register(auth)
        status, pair = await login(auth, user["email"])
        assert status == 200
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        status, me = await gateway.call("GET", "/api/v1/auth/me", anonymous=True, headers=bearer)
        assert (status, me["id"]) == (200, user["user_id"])
        status, seen = await gateway.call("GET", "/api/v1/orders", anonymous=True, headers=bearer)
        assert (status, seen["instance"]) == (200, "orders-1")
        status, _ = await gateway.call("POST", "/api/v1/auth/logout", anonymous=True, headers=bearer)
        assert status == 204
        started = time.monotonic()

        async def refused():
            status, _ = await gateway.call("GET", "/api/v1/orders", anonymous=True, headers=bearer)
            return status == 401

        await until(refused, deadline_s=3)
        assert time.monotonic() - started < 1.5
