"""What tests of security do with every service: requests made from its route table, tokens that must not work."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from shared.identity import InternalTokens, Principal
from tests.support.apps import Route
from tests.support.engines import EngineUrls
from tests.support.searching import delete_indexes
from tests.support.services import INTERNAL_SECRET, Served, served, topics, until

PRIVILEGED = Principal("operator", frozenset({"operator", "admin", "service"}), "operator")
SETTINGS: dict[str, dict[str, Any]] = {"auth": {"argon2_memory_kib": 8, "argon2_passes": 1}}


@asynccontextmanager
async def whole(engines: EngineUrls, service: str, prefix: str, **given: Any) -> AsyncIterator[Served]:
    """The service with everything it does, so that every route it has is there; `given` are settings of it."""
    settings = {**SETTINGS.get(service, {}), **given}
    async with topics(engines, prefix), served(engines, service, prefix=prefix, **settings) as running:
        if service != "search":
            yield running
            return
        try:
            await until(lambda: _has_index(running))
            yield running
        finally:
            await delete_indexes(engines.elasticsearch, f"{prefix}products-v*")


async def _has_index(search: Served) -> bool:
    _, health = await search.call("GET", "/health/ready", anonymous=True)
    return health["checks"]["elasticsearch"]["ok"]


def person(*roles: str) -> Principal:
    """Somebody new with these roles, as the gateway introduces them."""
    return Principal(str(uuid4()), frozenset(roles), "customer", str(uuid4()), "somebody@example.com")


def filled(path: str) -> str:
    """The path of a route with something of the right form in the place of each parameter."""
    return re.sub(r"\{\w+:(\w+)\}", lambda match: str(uuid4()) if match.group(1) == "uuid" else "nothing", path)


async def ask(service: Served, route: Route, **kwargs: Any) -> tuple[int, Any]:
    """Status and problem of one request to the route, without a body unless given one."""
    url = service.url + filled(route.path)
    async with service.http.request(route.method, url, allow_redirects=False, **kwargs) as answer:
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, (await answer.json(content_type=None) if is_json else await answer.text())


def worthless_tokens(service: str) -> dict[str, str]:
    """Tokens of somebody who may do everything, each wrong in one way."""
    genuine = InternalTokens(INTERNAL_SECRET)
    other = InternalTokens("another-secret-0123456789abcdefghijk")
    past = InternalTokens(INTERNAL_SECRET, now=lambda: time.time() - 3_600)
    future = InternalTokens(INTERNAL_SECRET, now=lambda: time.time() + 3_600)
    good = genuine.mint(PRIVILEGED, service)
    head, claims, signature = good.split(".")
    elsewhere = "payments" if service != "payments" else "orders"
    return {
        "empty": "",
        "garbage": "a.b.c",
        "not a token": "~" * 40,
        "signed by another": other.mint(PRIVILEGED, service),
        "expired": past.mint(PRIVILEGED, service),
        "issued in the future and too long": _made(service, lambda c: c.update(exp=c["exp"] + 86_400)),
        "not valid yet": future.mint(PRIVILEGED, service),
        "for another service": genuine.mint(PRIVILEGED, elsewhere),
        "for everybody": _made(service, lambda c: c.update(aud=["orders-of-nobody", "*"])),
        "without an end": _made(service, lambda c: c.pop("exp")),
        "without a subject": _made(service, lambda c: c.pop("sub")),
        "of another issuer": _made(service, lambda c: c.update(iss="shopstream")),
        "of another type": _made(service, lambda _: None, typ="at+jwt"),
        "unsigned": f"{_none_header()}.{claims}.",
        "with a foreign signature": f"{head}.{claims}.{'A' * len(signature)}",
        "with changed claims": f"{head}.{claims[:-4]}AAAA.{signature}",
        "too long": good + "A" * 5_000,
    }


def _made(service: str, change: Callable[[dict[str, Any]], object], *, typ: str = "int+jwt") -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "shopstream-internal", "aud": service, "sub": "operator", "kind": "operator",
        "roles": ["operator", "admin", "service"], "iat": now, "exp": now + 60,
    }  # fmt: skip
    change(claims)
    key = OctKey.import_key(INTERNAL_SECRET)
    return jwt.encode({"alg": "HS256", "typ": typ}, claims, key, algorithms=["HS256"])


def _none_header() -> str:
    return "eyJhbGciOiJub25lIiwidHlwIjoiaW50K2p3dCJ9"  # {"alg":"none","typ":"int+jwt"}
