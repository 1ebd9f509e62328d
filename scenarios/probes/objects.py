"""Things that belong to somebody else, asked for by their ids (security list 10 to 16)."""

from functools import partial
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.probe import Attack, Reply, probe

REMEDIATION: Final = "Look things up among the caller's own; answer another's exactly as one that does not exist."
CALLED_OFF: Final = frozenset({"cancelled", "cancelling"})
ABSENT: Final = "00000000-0000-7000-8000-000000000000"


def shown(attack: Attack, reply: Reply, *secrets: str, what: str) -> None:
    """Whether an answer holds what belongs to the victim."""
    found = [secret for secret in secrets if secret in reply.text]
    if found:
        attack.gained(f"{what}: the answer holds {', '.join(found)} of somebody else")


def same_as_absent(attack: Attack, foreign: Reply, absent: Reply, *, what: str) -> None:
    """Whether an answer gives away that there is such a thing."""
    if (foreign.status, foreign.code) != (absent.status, absent.code):
        attack.gained(f"{what}: {foreign.status} {foreign.code} for one that exists, {absent.status} for none")


foreign = partial(
    probe,
    severity=Severity.HIGH,
    cwe=639,
    owasp=Owasp.OBJECTS,
    remediation=REMEDIATION,
    services=CHECKOUT,
)
"""An attack of this family; of what does not matter to its owner it is less severe."""


@foreign(
    id="read-order",
    title="An order read by another customer",
    reaches="orders",
)
async def read_order(attack: Attack) -> None:
    order, bob = await attack.grounds.order("alice"), await attack.grounds.person("bob")
    attack.require((await attack.ask("GET", f"/api/v1/orders/{order.id}", by=order.owner)).status == 200, "no order")
    for suffix in ("", "/history", "/invoice"):
        foreign = await attack.ask("GET", f"/api/v1/orders/{order.id}{suffix}", by=bob)
        shown(attack, foreign, order.number, order.owner.email, order.street, what=f"order{suffix}")
        absent = await attack.ask("GET", f"/api/v1/orders/{ABSENT}{suffix}", by=bob)
        same_as_absent(attack, foreign, absent, what=f"order{suffix}")
    for query in (f"customer_id={order.owner.user_id}", f"user_id={order.owner.user_id}", "limit=100", "all=true"):
        page = await attack.ask("GET", f"/api/v1/orders?{query}", by=bob)
        shown(attack, page, order.id, order.number, what=f"list by {query}")


@foreign(
    id="cancel-order",
    title="An order cancelled by another customer",
    reaches="orders",
)
async def cancel_order(attack: Attack) -> None:
    order, bob = await attack.grounds.order("alice"), await attack.grounds.person("bob")
    foreign = await attack.ask("POST", f"/api/v1/orders/{order.id}/cancel", by=bob, json={"reason": "mine now"})
    absent = await attack.ask("POST", f"/api/v1/orders/{ABSENT}/cancel", by=bob, json={"reason": "mine now"})
    same_as_absent(attack, foreign, absent, what="cancel")
    shown(attack, foreign, order.number, order.owner.email, what="cancel")
    if await attack.grounds.standing(order) in CALLED_OFF:
        attack.gained("the order of somebody else is cancelled")


@foreign(
    id="read-payment",
    title="A payment read by another customer",
    reaches="payments",
)
async def read_payment(attack: Attack) -> None:
    order, bob = await attack.grounds.order("alice"), await attack.grounds.person("bob")
    payment_id = await attack.grounds.payment_of(order)
    own = await attack.ask("GET", f"/api/v1/payments/{payment_id}", by=order.owner)
    attack.require(own.status == 200, "the owner does not see her payment")
    for suffix in ("", "/refunds"):
        foreign = await attack.ask("GET", f"/api/v1/payments/{payment_id}{suffix}", by=bob)
        absent = await attack.ask("GET", f"/api/v1/payments/{ABSENT}{suffix}", by=bob)
        shown(attack, foreign, payment_id, order.id, what=f"payment{suffix}")
        same_as_absent(attack, foreign, absent, what=f"payment{suffix}")
    for query in (f"order_id={order.id}", f"customer_id={order.owner.user_id}", "limit=100"):
        page = await attack.ask("GET", f"/api/v1/payments?{query}", by=bob)
        shown(attack, page, payment_id, order.id, what=f"list by {query}")


@foreign(
    id="end-foreign-session",
    title="A session ended by somebody else",
    severity=Severity.MEDIUM,
    services=("gateway", "auth"),
    reaches="auth",
)
async def end_foreign_session(attack: Attack) -> None:
    alice, bob = await attack.grounds.person("alice"), await attack.grounds.person("bob")
    sessions = await attack.ask("GET", "/api/v1/auth/sessions", by=alice)
    attack.require(sessions.items, "the victim has no session")
    session_id = sessions.json["current"]
    foreign = await attack.ask("DELETE", f"/api/v1/auth/sessions/{session_id}", by=bob)
    absent = await attack.ask("DELETE", f"/api/v1/auth/sessions/{ABSENT}", by=bob)
    same_as_absent(attack, foreign, absent, what="session")
    if (await attack.ask("GET", "/api/v1/auth/me", by=alice)).status != 200:
        attack.gained("somebody else's session is over")


PROBES: Final = (read_order, cancel_order, read_payment, end_foreign_session)
