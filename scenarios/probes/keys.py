"""API keys that do more than they may (security list 38)."""

from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe


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
    wanted: dict[str, Any] = {"name": "reader", "scopes": ["catalog:read"], "password": owner.password}
    made = await attack.ask("POST", "/api/v1/auth/api-keys", by=owner, json=wanted)
    attack.require(made.status == 201, f"nobody could make an API key: {made.status} {made.code}")
    key = made.json["key"]
    attack.require((await attack.ask("GET", "/api/v1/products", token=key)).status == 200, "the key opens nothing")
    product: dict[str, Any] = {
        "slug": f"sneaked-{attack.grounds.name}",
        "title": "Sneaked",
        "category": "household",
        "variants": [],
    }
    tried: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("POST", "/api/v1/products", product),
        ("GET", "/api/v1/auth/me", None),
        ("GET", "/api/v1/auth/sessions", None),
        ("POST", "/api/v1/auth/api-keys", wanted),
        ("DELETE", "/api/v1/auth/me", None),
    )
    for method, path, body in tried:
        reply = await attack.ask(method, path, token=key, json=body)
        if reply.status not in {403, 429}:
            attack.gained(f"{method} {path} was open to a key for reading products ({reply.status})")


PROBES: Final = (key_scope,)
