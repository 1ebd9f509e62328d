"""Ids and numbers of others: nested, in bodies and batches, and guessed from one's own (security list 13 to 16)."""

import asyncio
import time
from functools import partial
from typing import Any, Final
from uuid import UUID

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT, Order, Person
from scenarios.probes.objects import ABSENT, REMEDIATION, same_as_absent, shown
from scenarios.probes.probe import Attack, probe

SENT_LIMIT_S: Final = 20.0
POLL_S: Final = 0.1
LETTERS_ALIKE_MAX: Final = 5
"""Of ten letters of 32: two numbers that say nothing of each other begin alike for longer once in thirty million."""
CARD: Final = "tok_visa"
GUEST: Final = "X-Guest-Token"

foreign = partial(probe, severity=Severity.HIGH, cwe=639, owasp=Owasp.OBJECTS, remediation=REMEDIATION)


@foreign(
    id="ids-in-bodies",
    title="Another's card, parcel, refund and draft, named in a body, below a path or in a batch",
    services=CHECKOUT,
    reaches="payments",
)
async def ids_in_bodies(attack: Attack) -> None:
    order, bob = await attack.grounds.order("alice"), await attack.grounds.person("bob")
    await _foreign_card(attack, order.owner, bob)
    await _foreign_parcel(attack, order, bob)
    await _foreign_refund(attack, await attack.grounds.order("payee"), bob)
    await _foreign_draft(attack)


async def _foreign_card(attack: Attack, alice: Person, bob: Person) -> None:
    """A card that somebody keeps, named at somebody else's checkout."""
    kept = await attack.ask("POST", "/api/v1/payment-methods", by=alice, json={"token": CARD})
    attack.require(kept.status in {200, 201}, f"nobody could keep a card: {kept.status} {kept.code}")
    wish = attack.grounds.wish((await attack.grounds.stocked()).sku)
    wish["payment_method"] = f"tok_pm_{UUID(kept.json['id']).hex}"
    status, order = await attack.grounds.place(bob, wish, key=f"card-{attack.grounds.name}")
    if status != 201:
        return
    until, open_states = time.monotonic() + SENT_LIMIT_S, {"pending", "processing", "unknown"}
    query = "SELECT status, captured_minor, payment_method FROM payments WHERE order_id = $1::uuid"
    while not (found := await attack.site.rows("payments", query, order["id"])) or found[0]["status"] in open_states:
        attack.require(time.monotonic() < until, "a payment never came to an end")
        await asyncio.sleep(POLL_S)
    if found[0]["captured_minor"] or found[0]["payment_method"] == CARD:
        attack.gained(f"somebody else's card paid {found[0]['captured_minor']} cents")


async def _foreign_parcel(attack: Attack, order: Order, bob: Person) -> None:
    parcel = (await _parcel(attack, order))["id"]
    street = {"name": "Bob", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}
    sent_back: dict[str, Any] = {"id": ABSENT, "lines": [{"sku": "ANY", "quantity": 1}], "reason": "mine"}
    tried: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("GET", "", None),
        ("PUT", "/address", street),
        ("POST", "/returns", sent_back),
    )
    for method, suffix, body in tried:
        reply = await attack.ask(method, f"/api/v1/shipments/{parcel}{suffix}", by=bob, json=body)
        absent = await attack.ask(method, f"/api/v1/shipments/{ABSENT}{suffix}", by=bob, json=body)
        same_as_absent(attack, reply, absent, what=f"{method} parcel{suffix}")


async def _foreign_refund(attack: Attack, order: Order, bob: Person) -> None:
    payment, clerk = await attack.grounds.payment_of(order), await attack.grounds.person("cashier", "support")
    await attack.grounds.paid(order)
    wish = {"amount": {"amount": "1.00", "currency": "EUR"}, "reason": "returned"}
    asked = {"Idempotency-Key": f"own-{attack.grounds.name}"}
    made = await attack.ask("POST", f"/api/v1/payments/{payment}/refunds", by=clerk, json=wish, headers=asked)
    attack.require(made.status < 300, f"nobody could refund: {made.status} {made.code}")
    reply = await attack.ask("GET", f"/api/v1/refunds/{made.json['id']}", by=bob)
    same_as_absent(attack, reply, await attack.ask("GET", f"/api/v1/refunds/{ABSENT}", by=bob), what="refund")
    own = await attack.grounds.payment_of(await attack.grounds.order("bob"))
    below = await attack.ask("GET", f"/api/v1/payments/{own}/refunds/{made.json['id']}", by=bob)
    shown(attack, below, made.json["id"], what="a refund below one's own payment")


async def _foreign_draft(attack: Attack) -> None:
    """A product that its seller has not shown yet, in a batch of ids and as what goes with a product of one's own."""
    author, rival = await attack.grounds.person("writer", "seller"), await attack.grounds.person("copyist", "seller")
    draft: dict[str, Any] = {
        "slug": f"secret-{attack.grounds.name}", "title": f"Secret {attack.grounds.name}", "category": "household",
        "variants": [],
    }  # fmt: skip
    made = await attack.ask("POST", "/api/v1/products", by=author, json=draft)
    attack.require(made.status == 201, f"nobody could offer a product: {made.status} {made.code}")
    secret = made.json["id"]
    for query in (f"ids={secret}", f"ids={secret}&status=draft", f"ids={secret}&seller_id={author.user_id}"):
        batch = await attack.ask("GET", f"/api/v1/products?{query}", by=rival)
        shown(attack, batch, draft["title"], what=f"a batch by {query.partition('=')[0]}")
    beside = {**draft, "slug": f"beside-{attack.grounds.name}", "title": "Beside", "related": [secret]}
    own = await attack.ask("POST", "/api/v1/products", by=rival, json=beside)
    related = await attack.ask("GET", f"/api/v1/products/{beside['slug']}/related", by=rival)
    for reply in (own, related):
        shown(attack, reply, draft["title"], what="what goes with a product of one's own")


@foreign(
    id="guessed-numbers",
    title="Order, invoice and parcel numbers, guessed and looked up",
    services=CHECKOUT,
    reaches="orders",
)
async def guessed_numbers(attack: Attack) -> None:
    order, own = await attack.grounds.order("alice"), await attack.grounds.order("bob")
    bob, parcel = own.owner, await _parcel(attack, order)
    alike = _letters_alike(order.number, own.number)
    if alike > LETTERS_ALIKE_MAX:
        attack.gained(f"whoever has the number {own.number} can guess {order.number}")
    near = [str(UUID(int=UUID(own.id).int + step)) for step in (-2, -1, 1, 2)]
    for named in (order.number, parcel["tracking_number"], *near):
        paths = (
            f"/orders/{named}", f"/orders/{named}/invoice", f"/orders/{named}/history", f"/shipments/{named}",
            f"/payments/{named}", f"/guest/orders/{named}", f"/guest/orders/{named}/invoice", f"/orders?number={named}",
            f"/guest/orders?number={named}", f"/shipments?tracking_number={named}", f"/shipments?order_number={named}",
            f"/payments?order_number={named}", f"/tracking/{named}", f"/invoices/{named}",
        )  # fmt: skip
        for path in paths:
            for by in (bob, None):
                reply = await attack.ask("GET", f"/api/v1{path}", by=by)
                secrets = (order.id, order.street, order.owner.email)
                shown(attack, reply, *secrets, what=path.replace(named, "…"))
    for guess in (order.number, order.id, order.owner.user_id, "1", f"guest.{order.owner.user_id}"):
        for path in (f"/orders/{order.id}", f"/orders/{order.id}/invoice", "/orders", "/cart"):
            reply = await attack.ask("GET", f"/api/v1/guest{path}", headers={GUEST: guess})
            if reply.status < 400:
                attack.gained(f"a guest's token was guessed: {guess}")


async def _parcel(attack: Attack, order: Order) -> dict[str, Any]:
    """The parcel of an order, once the carrier has given it a number."""
    until = time.monotonic() + SENT_LIMIT_S
    query = """SELECT id::text, tracking_number FROM audit.shipments
               WHERE order_id = $1::uuid AND tracking_number IS NOT NULL"""
    while not (found := await attack.site.rows("shipping", query, order.id)):
        attack.require(time.monotonic() < until, "an order was never sent")
        await asyncio.sleep(POLL_S)
    return dict(found[0])


def _letters_alike(one: str, other: str) -> int:
    """How many letters two numbers begin with alike, past what all of them begin with."""
    pairs = zip(one.partition("-")[2], other.partition("-")[2], strict=False)
    return next((place for place, (mine, yours) in enumerate(pairs) if mine != yours), min(len(one), len(other)))


PROBES: Final = (ids_in_bodies, guessed_numbers)
