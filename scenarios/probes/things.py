"""The rest of what belongs to somebody: keys, endpoints, carts, cards, exports, parcels (security list 12)."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.objects import ABSENT, REMEDIATION, same_as_absent, shown
from scenarios.probes.probe import Attack, probe

WEBHOOKS: Final = "/api/v1/notifications/webhooks"

thing = partial(probe, severity=Severity.HIGH, cwe=639, owasp=Owasp.OBJECTS, remediation=REMEDIATION)
"""Somebody else's, by its id."""


@thing(
    id="foreign-keys",
    title="An API key seen or revoked by somebody else",
    services=("gateway", "auth"),
    reaches="auth",
)
async def foreign_keys(attack: Attack) -> None:
    alice, bob = await attack.grounds.person("alice"), await attack.grounds.person("bob")
    wanted: dict[str, Any] = {"name": f"of {alice.email}", "scopes": ["orders:read"], "password": alice.password}
    made = await attack.ask("POST", "/api/v1/auth/api-keys", by=alice, json=wanted)
    attack.require(made.status == 201, f"nobody could make an API key: {made.status} {made.code}")
    key_id = made.json["described"]["id"]
    foreign = await attack.ask("DELETE", f"/api/v1/auth/api-keys/{key_id}", by=bob)
    same_as_absent(attack, foreign, await attack.ask("DELETE", f"/api/v1/auth/api-keys/{ABSENT}", by=bob), what="key")
    shown(attack, await attack.ask("GET", "/api/v1/auth/api-keys", by=bob), key_id, what="list of keys")
    kept = await attack.ask("GET", "/api/v1/auth/api-keys", by=alice)
    if key_id not in kept.text:
        attack.gained("somebody else's key is revoked")


@thing(
    id="foreign-webhooks",
    title="A seller's webhook read, renewed or removed by another seller",
    services=("gateway", "auth", "notifications"),
    reaches="notifications",
)
async def foreign_webhooks(attack: Attack) -> None:
    owner, rival = await attack.grounds.person("owner", "seller"), await attack.grounds.person("rival", "seller")
    wanted = {"url": "https://192.0.43.8/hooks", "events": ["order.paid"]}
    made = await attack.ask("POST", WEBHOOKS, by=owner, json=wanted)
    attack.require(made.status == 201, f"nobody could make a webhook: {made.status} {made.code}")
    endpoint = made.json["id"]
    for method, suffix in (("GET", "/deliveries"), ("POST", "/enable"), ("POST", "/rotate-secret"), ("DELETE", "")):
        foreign = await attack.ask(method, f"{WEBHOOKS}/{endpoint}{suffix}", by=rival)
        absent = await attack.ask(method, f"{WEBHOOKS}/{ABSENT}{suffix}", by=rival)
        same_as_absent(attack, foreign, absent, what=f"{method} webhook{suffix}")
    shown(attack, await attack.ask("GET", WEBHOOKS, by=rival), endpoint, what="list of webhooks")
    if endpoint not in (await attack.ask("GET", WEBHOOKS, by=owner)).text:
        attack.gained("somebody else's webhook is gone")
    await attack.ask("DELETE", f"{WEBHOOKS}/{endpoint}", by=owner)


@thing(
    id="foreign-things",
    title="Carts, cards, exports and parcels of another customer",
    services=CHECKOUT,
    reaches="orders",
)
async def foreign_things(attack: Attack) -> None:
    order, bob = await attack.grounds.order("alice"), await attack.grounds.person("bob")
    alice = order.owner
    card = {"token": "tok_visa"}
    kept = await attack.ask("POST", "/api/v1/payment-methods", by=alice, json=card)
    today = datetime.now(UTC).date()
    period = f"since={today - timedelta(days=1)}&until={today + timedelta(days=1)}"
    for path in (
        f"/orders/export?{period}",
        f"/orders/export?{period}&customer_id={alice.user_id}",
        f"/cart?customer_id={alice.user_id}",
        f"/shipments?order_id={order.id}",
        f"/shipments?customer_id={alice.user_id}",
        f"/payment-methods?customer_id={alice.user_id}",
        f"/guest/orders/{order.id}",
        f"/orders?ids={order.id}",
        f"/orders?filter[customer_id]={alice.user_id}",
    ):
        reply = await attack.ask("GET", f"/api/v1{path}", by=bob)
        secrets = (order.number, order.street, alice.email, *([order.id] if order.id not in path else []))
        shown(attack, reply, *secrets, what=path.partition("?")[0])
    if kept.status == 201:
        method = f"/api/v1/payment-methods/{kept.json['id']}"
        for verb, suffix in (("PUT", "/default"), ("DELETE", "")):
            foreign = await attack.ask(verb, f"{method}{suffix}", by=bob)
            absent = await attack.ask(verb, f"/api/v1/payment-methods/{ABSENT}{suffix}", by=bob)
            same_as_absent(attack, foreign, absent, what=f"{verb} payment method{suffix}")


PROBES: Final = (foreign_keys, foreign_webhooks, foreign_things)
