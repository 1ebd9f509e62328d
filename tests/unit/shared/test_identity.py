import base64
import json
import time
from uuid import UUID, uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient

from shared import identity
from shared.errors import Unauthenticated
from shared.identity import (
    HEADER,
    TOKEN_LIFETIME_S,
    AuthenticationMiddleware,
    InternalTokens,
    Principal,
    operator_principal,
    provide_principal,
    requires_role,
    service_principal,
)
from shared.problem_details import EXCEPTION_HANDLERS

SECRET = "0123456789abcdef0123456789abcdef"
ANN = Principal("ann", frozenset({"customer"}), session="s1", email="ann@example.org")


class Time:
    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at


def forged(secret: str = SECRET, *, header: dict | None = None, **claims: object) -> str:
    now = int(time.time())
    full = {
        "iss": "shopstream-internal", "aud": "orders", "sub": "ann", "kind": "customer", "roles": [],
        "iat": now, "exp": now + 60, **claims,
    }  # fmt: skip
    full = {name: value for name, value in full.items() if value is not None}
    return jwt.encode(
        {"alg": "HS256", "typ": "int+jwt", **(header or {})},
        full,
        OctKey.import_key(secret),
        algorithms=["HS256", "HS512"],
    )


def test_the_audience_recognises_the_principal_that_was_minted():
    assert InternalTokens(SECRET).verify(InternalTokens(SECRET).mint(ANN, "orders"), "orders") == ANN


def test_an_untouched_forgery_passes_so_that_the_forgeries_below_fail_for_their_own_reason():
    assert InternalTokens(SECRET).verify(forged(), "orders").subject == "ann"


def _alg_none() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": "shopstream-internal", "aud": "orders", "sub": "a", "kind": "x", "roles": [], "iat": now}
    return f"{part({'alg': 'none', 'typ': 'int+jwt'})}.{part({**claims, 'exp': now + 60})}."


@pytest.mark.parametrize(
    "token",
    [
        forged("another-secret-another-secret-1234"),
        forged(aud="payments"),
        forged(aud=None),
        forged(iss="somebody"),
        forged(iss=None),
        forged(exp=int(time.time()) - 1),
        forged(exp=None),
        forged(exp=int(time.time()) + 3600),
        forged(iat=int(time.time()) + 600, exp=int(time.time()) + 650),
        forged(sub=None),
        forged(sub=""),
        forged(sub=7),
        forged(roles="admin"),
        forged(roles=None),
        forged(exp="tomorrow"),
        forged(header={"typ": "at+jwt"}),
        forged(header={"alg": "HS512"}),
        _alg_none(),
        "",
        "a.b.c",
        "x" * 100_000,
        "é",
    ],
)
def test_a_token_that_is_wrong_in_one_point_is_refused(token):
    with pytest.raises(Unauthenticated):
        InternalTokens(SECRET).verify(token, "orders")


def test_a_token_for_one_service_is_refused_by_another_even_when_cached():
    tokens = InternalTokens(SECRET)
    token = tokens.mint(ANN, "orders")
    tokens.verify(token, "orders")
    with pytest.raises(Unauthenticated):
        tokens.verify(token, "payments")


def test_a_cached_verification_does_not_outlive_the_token():
    clock = Time()
    tokens = InternalTokens(SECRET, now=clock)
    token = tokens.mint(ANN, "orders")
    assert tokens.verify(token, "orders") == ANN
    clock.at += TOKEN_LIFETIME_S + 1
    with pytest.raises(Unauthenticated):
        tokens.verify(token, "orders")


def test_minted_tokens_are_reused_while_fresh_and_never_handed_out_old():
    clock = Time()
    tokens = InternalTokens(SECRET, now=clock)
    token = tokens.mint(ANN, "orders")
    clock.at += 10
    assert tokens.mint(ANN, "orders") == token
    clock.at += 25
    renewed = tokens.mint(ANN, "orders")
    assert renewed != token
    assert tokens.mint(ANN, "payments") != renewed


def test_different_principals_never_share_a_token():
    tokens = InternalTokens(SECRET)
    plain = tokens.mint(Principal("ann"), "orders")
    admin = tokens.mint(Principal("ann", frozenset({"admin"})), "orders")
    assert tokens.verify(plain, "orders").roles == frozenset()
    assert tokens.verify(admin, "orders").roles == {"admin"}


def test_both_caches_are_bounded(monkeypatch):
    monkeypatch.setattr(identity, "CACHE_ENTRIES_MAX", 5)
    tokens = InternalTokens(SECRET)
    for number in range(20):
        tokens.verify(tokens.mint(Principal(f"u{number}"), "orders"), "orders")
    assert len(tokens._minted) == 5
    assert len(tokens._verified) == 5


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        InternalTokens("short")


@get("/mine")
async def mine(principal: NamedDependency[Principal]) -> str:
    return principal.subject


@get("/desk", guards=[requires_role("admin", "support")])
async def desk() -> str:
    return "desk"


@get("/open", opt={"public": True})
async def open_to_all(principal: NamedDependency[Principal]) -> str:
    return principal.subject


@get("/odd", opt={"public": True}, guards=[requires_role("admin")])
async def odd() -> str:
    return "odd"


TOKENS = InternalTokens(SECRET)


@pytest.fixture
def client():
    app = Litestar(
        [mine, desk, open_to_all, odd],
        middleware=[DefineMiddleware(AuthenticationMiddleware, tokens=TOKENS, audience="orders")],
        dependencies={"principal": Provide(provide_principal, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    with TestClient(app) as client:
        yield client


def as_(principal: Principal) -> dict[str, str]:
    return {HEADER: TOKENS.mint(principal, "orders")}


def test_a_route_knows_its_principal(client):
    assert client.get("/mine", headers=as_(ANN)).text == "ann"


def test_without_a_token_a_route_answers_401_as_problem_details(client):
    answer = client.get("/mine")
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_public_route_needs_no_token_but_refuses_a_wrong_one(client):
    assert client.get("/open").text == "anonymous"
    assert client.get("/open", headers=as_(ANN)).text == "ann"
    assert client.get("/open", headers={HEADER: "nonsense"}).status_code == 401


def test_a_guard_lets_only_its_roles_pass(client):
    assert client.get("/desk", headers=as_(Principal("bob", frozenset({"support"})))).status_code == 200
    assert client.get("/desk", headers=as_(ANN)).status_code == 403
    assert client.get("/desk", headers=as_(service_principal("cart"))).status_code == 403
    assert client.get("/desk", headers=as_(operator_principal())).status_code == 200
    assert client.get("/odd").status_code == 401


def test_a_guard_without_roles_is_a_mistake():
    with pytest.raises(ValueError, match="at least one role"):
        requires_role()


def test_whose_things_somebody_sees() -> None:
    user = uuid4()
    assert Principal(str(user)).sees_of("support") == user
    assert Principal(str(user), frozenset({"support"})).sees_of("support", "admin") is None
    assert service_principal("cart").sees_of("support") == UUID(int=0)
