"""API keys that do more than they may, or longer (security list 38)."""

from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import Person
from scenarios.probes.probe import Attack, probe
from scenarios.probes.sessions import soon_refused

PRODUCTS: Final = "/api/v1/products"


@probe(
    id="key-scope",
    title="An API key used beyond its scopes",
    severity=Severity.HIGH,
    cwe=285,
    owasp=Owasp.FUNCTIONS,
    remediation="Check the scope of every request at the door: the area and whether it reads.",
    services=("gateway", "auth", "catalog"),
    reaches="gateway",
)
async def key_scope(attack: Attack) -> None:
    owner = await attack.grounds.person("keyholder", "seller")
    wanted = _for_reading(owner)
    key = (await _made(attack, owner, wanted))["key"]
    product: dict[str, Any] = {
        "slug": f"sneaked-{attack.grounds.name}",
        "title": "Sneaked",
        "category": "household",
        "variants": [],
    }
    tried: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("POST", PRODUCTS, product),
        ("GET", "/api/v1/auth/me", None),
        ("GET", "/api/v1/auth/sessions", None),
        ("POST", "/api/v1/auth/api-keys", wanted),
        ("DELETE", "/api/v1/auth/me", None),
    )
    for method, path, body in tried:
        reply = await attack.ask(method, path, token=key, json=body)
        if reply.status not in {403, 429}:
            attack.gained(f"{method} {path} was open to a key for reading products ({reply.status})")


@probe(
    id="revoked-key",
    title="An API key after its owner took it back",
    severity=Severity.HIGH,
    cwe=613,
    owasp=Owasp.AUTHENTICATION,
    remediation="Announce keys that were taken back to the gateway, which refuses them within a second.",
    services=("gateway", "auth", "catalog"),
    reaches="gateway",
)
async def revoked_key(attack: Attack) -> None:
    owner = await attack.grounds.person("retired", "seller")
    made = await _made(attack, owner, _for_reading(owner))
    back = await attack.ask("DELETE", f"/api/v1/auth/api-keys/{made['described']['id']}", by=owner)
    attack.require(back.status == 204, f"nobody could take a key back: {back.status} {back.code}")
    await soon_refused(attack, PRODUCTS, made["key"], what="after it was taken back a key")


def _for_reading(owner: Person) -> dict[str, Any]:
    return {"name": "reader", "scopes": ["catalog:read"], "password": owner.password}


async def _made(attack: Attack, owner: Person, wanted: dict[str, Any]) -> dict[str, Any]:
    """A key that works."""
    made = await attack.ask("POST", "/api/v1/auth/api-keys", by=owner, json=wanted)
    attack.require(made.status == 201, f"nobody could make an API key: {made.status} {made.code}")
    opened = await attack.ask("GET", PRODUCTS, token=made.json["key"])
    attack.require(opened.status == 200, "the key opens nothing")
    return made.json


PROBES: Final = (key_scope, revoked_key)
