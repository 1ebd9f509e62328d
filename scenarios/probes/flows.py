"""Doing what is allowed oftener, earlier or at another moment than meant (security list 58 to 63)."""

import asyncio
import time
from decimal import Decimal
from functools import partial
from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT, Person
from scenarios.probes.probe import Attack, Reply, probe

INSISTS_S: Final = 30.0
AGAIN_S: Final = 0.5
CLERK_REFUNDS_MAX: Final = 60
"""Of one clerk at one moment: of more the door would turn some away, which would repel the attack for the shop."""
ALLOWED: Final = 2
PRICE: Final = Decimal("24.50")
CHANGES: Final = 12
TOLD_TO_WAIT: Final = frozenset({429, 503})
REFUSED: Final = frozenset({401, 403, 404, 405, 429})

race = partial(
    probe,
    severity=Severity.HIGH,
    cwe=362,
    owasp=Owasp.FLOWS,
    remediation="Decide and take in one conditional statement; let a constraint stand beneath it.",
    services=CHECKOUT,
)
"""Of many at one moment only so many may win."""


async def _crowd(attack: Attack, buyer: Person, wish: dict[str, Any], *, what: str) -> list[Reply]:
    """The same wish under as many keys, at one moment; who is told to come again does, under the same key."""
    until = time.monotonic() + INSISTS_S

    async def insist(key: str) -> Reply:
        headers = {"Idempotency-Key": key}
        while True:
            reply = await attack.ask("POST", "/api/v1/orders", by=buyer, json=wish, headers=headers)
            if reply.status not in TOLD_TO_WAIT or time.monotonic() > until:
                return reply
            await asyncio.sleep(AGAIN_S)

    return await asyncio.gather(
        *(insist(f"{what}-{attack.grounds.name}-{number}") for number in range(attack.grounds.crowd))
    )


@race(id="coupon-race", title="A coupon for one order, used by a crowd at one moment", reaches="orders")
async def coupon_race(attack: Attack) -> None:
    article, buyer = await attack.grounds.stocked(), await attack.grounds.person("hurried")
    code = f"ONCE-{attack.grounds.name}".upper()
    coupon = {"code": code, "amount": {"amount": "5.00", "currency": "EUR"}, "uses_max": 1}
    await attack.site.call("orders", "POST", "/api/v1/coupons", json=coupon)
    replies = await _crowd(attack, buyer, {**attack.grounds.wish(article.sku), "coupon": code}, what="coupon")
    discounted = sum(reply.status == 201 for reply in replies)
    if discounted > 1:
        attack.gained(f"{discounted} of {len(replies)} orders were placed with a coupon for one")
    attack.require(discounted, f"nobody could use the coupon: {sorted({reply.code for reply in replies})}")


@race(id="refund-race", title="More paid back than was paid, by refunds at one moment", reaches="payments")
async def refund_race(attack: Attack) -> None:
    """By somebody of the staff: the role is not what may stop it."""
    order, refunds = await attack.grounds.order_to("returner", {}), max(attack.grounds.crowd, CLERK_REFUNDS_MAX)
    clerks = [
        await attack.grounds.person(f"clerk-{number}", "support") for number in range(-(-refunds // CLERK_REFUNDS_MAX))
    ]
    payment = await attack.grounds.payment_of(order)
    await attack.grounds.paid(order)
    wish = {"amount": {"amount": "20.00", "currency": "EUR"}, "reason": "returned"}
    await asyncio.gather(
        *(
            attack.ask(
                "POST", f"/api/v1/payments/{payment}/refunds", by=clerks[number % len(clerks)], json=wish,
                headers={"Idempotency-Key": f"refund-{attack.grounds.name}-{number}"},
            )
            for number in range(refunds)
        )
    )  # fmt: skip
    (money,) = await attack.site.rows(
        "payments",
        """SELECT p.captured_minor, coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed'), 0) AS refunded
           FROM audit.payments p LEFT JOIN refunds r ON r.payment_id = p.id WHERE p.id = $1::uuid GROUP BY 1""",
        payment,
    )
    attack.require(money["refunded"], "nobody could refund anything")
    if money["refunded"] > money["captured_minor"]:
        attack.gained(f"{money['refunded']} cents paid back of {money['captured_minor']}")


@race(id="hoarding", title="More of a thing than one person may have, by a crowd of orders", reaches="inventory")
async def hoarding(attack: Attack) -> None:
    article, buyer = await attack.grounds.scarce(ALLOWED), await attack.grounds.person("hoarder")
    replies = await _crowd(attack, buyer, attack.grounds.wish(article.sku), what="hoard")
    attack.require(any(reply.status == 201 for reply in replies), "nobody could buy the scarce thing")
    (held,) = await attack.site.rows(
        "inventory",
        """SELECT coalesce(sum(l.quantity), 0) AS units FROM reservations r
           JOIN reservation_lines l ON l.reservation_id = r.id
           WHERE r.customer_id = $1::uuid AND l.sku = $2 AND r.status IN ('held', 'committed')""",
        buyer.user_id,
        article.sku,
    )
    if held["units"] > ALLOWED:
        attack.gained(f"{held['units']} units held by one customer, who may have {ALLOWED}")


@probe(
    id="workflow-skips",
    title="Steps of an order that its customer takes for the shop",
    severity=Severity.HIGH,
    cwe=841,
    owasp=Owasp.FLOWS,
    remediation="Let the state of an order follow from facts of those who make them; guard every step by a role.",
    services=CHECKOUT,
    reaches="payments",
)
async def workflow_skips(attack: Attack) -> None:
    """All of it on her own order, so that nobody can be repelled for asking for another's."""
    order = await attack.grounds.order("alice")
    payment = await attack.grounds.payment_of(order)
    refund = {"amount": {"amount": "24.50", "currency": "EUR"}, "reason": "customer_request"}
    tried: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("POST", f"/payments/{payment}/capture", None),
        ("POST", f"/payments/{payment}/void", None),
        ("POST", f"/payments/{payment}/refunds", refund),
        ("POST", f"/orders/sagas/{order.id}/resume", None),
        ("PATCH", f"/orders/{order.id}", {"status": "paid"}),
        ("PUT", f"/orders/{order.id}", {"status": "delivered"}),
        ("POST", f"/orders/{order.id}/notes", {"text": "paid"}),
        ("POST", "/webhooks/carrier", {"order_id": order.id, "status": "delivered"}),
    )
    for number, (method, path, body) in enumerate(tried):
        headers = {"Idempotency-Key": f"skip-{attack.grounds.name}-{number}"}
        reply = await attack.ask(method, f"/api/v1{path}", by=order.owner, json=body, headers=headers)
        if reply.status not in REFUSED:
            attack.gained(f"{method} {path.replace(order.id, '…').replace(payment, '…')}: {reply.status} {reply.code}")
    if await attack.site.rows("payments", "SELECT 1 FROM refunds WHERE payment_id = $1::uuid", payment):
        attack.gained("a customer refunded herself")


@race(id="cart-race", title="A cart that changes while it is being paid for", reaches="orders")
async def cart_race(attack: Attack) -> None:
    article, buyer = await attack.grounds.stocked(), await attack.grounds.person("juggler")
    added = await attack.ask("POST", "/api/v1/cart/items", by=buyer, json={"sku": article.sku, "quantity": 1})
    attack.require(added.status < 300, f"nobody could fill a cart: {added.status} {added.code}")
    wish = {name: value for name, value in attack.grounds.wish(article.sku).items() if name != "items"}
    line = f"/api/v1/cart/items/{article.sku}"
    changes = [attack.ask("PATCH", line, by=buyer, json={"quantity": 2 + number}) for number in range(CHANGES)]
    bought = [
        attack.ask("POST", "/api/v1/orders", by=buyer, json=wish, headers={"Idempotency-Key": f"cart-{number}"})
        for number in range(2)
    ]
    replies = await asyncio.gather(*changes[: CHANGES // 2], *bought, *changes[CHANGES // 2 :])
    orders = [reply.json for reply in replies if reply.status == 201 and "number" in reply.document]
    for order in orders:
        units = sum(item["quantity"] for item in order["items"])
        if Decimal(order["subtotal"]["amount"]) != units * PRICE:
            attack.gained(f"{units} units for {order['subtotal']['amount']}")
    if len(orders) > 1:
        attack.gained("one cart was bought twice")


PROBES: Final = (coupon_race, refund_race, hoarding, workflow_skips, cart_race)
