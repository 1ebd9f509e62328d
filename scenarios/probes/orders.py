"""Orders that no honest customer would place (security list 53 to 57)."""

from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.probe import Attack, probe


async def orders_of(attack: Attack, user_id: str) -> int:
    """How many orders somebody has, past the service."""
    (row,) = await attack.site.rows(
        "orders", "SELECT count(*) AS orders FROM audit.orders WHERE customer_id = $1::uuid", user_id
    )
    return row["orders"]


async def place(attack: Attack, wish: dict[str, Any], number: int) -> int:
    key = f"{attack.grounds.name}-{number}"
    buyer = await attack.grounds.person("haggler")
    reply = await attack.ask("POST", "/api/v1/orders", by=buyer, headers={"Idempotency-Key": key}, json=wish)
    return reply.status


@probe(
    id="client-price",
    title="An order with a price, a discount or an owner of its sender's",
    severity=Severity.CRITICAL,
    cwe=472,
    owasp=Owasp.PROPERTIES,
    remediation="Take from a client what is bought and how many; everything that costs money is the shop's to say.",
    services=CHECKOUT,
    reaches="orders",
)
async def client_price(attack: Attack) -> None:
    article, buyer = await attack.grounds.stocked(), await attack.grounds.person("haggler")
    wish = attack.grounds.wish(article.sku)
    (line,) = wish["items"]
    cheap = {"amount": "0.01", "currency": "EUR"}
    for number, wrong in enumerate(
        (
            {**wish, "items": [{**line, "unit_price_minor": 1}]},
            {**wish, "items": [{**line, "price": cheap}]},
            {**wish, "items": [{**line, "discount_minor": 2_449}]},
            {**wish, "total": cheap},
            {**wish, "discount_minor": 99_999},
            {**wish, "status": "paid"},
            {**wish, "customer_id": "00000000-0000-7000-8000-000000000001"},
            {**wish, "placed_at": "2001-01-01T00:00:00Z"},
        )
    ):
        status = await place(attack, wrong, number)
        if status < 300:
            attack.gained(f"an order that brings {sorted(set(wrong) - set(wish)) or wrong['items']} was placed")
    cheapest = await attack.site.rows(
        "orders", "SELECT min(total_minor) AS total FROM audit.orders WHERE customer_id = $1::uuid", buyer.user_id
    )
    if cheapest[0]["total"] is not None and cheapest[0]["total"] < 2_450:
        attack.gained(f"an order for {cheapest[0]['total']} cents")


@probe(
    id="odd-quantities",
    title="Quantities that are negative, broken or beyond all numbers",
    severity=Severity.HIGH,
    cwe=1284,
    owasp=Owasp.FLOWS,
    remediation="Take small whole numbers alone; let constraints in the database say the same.",
    services=CHECKOUT,
    reaches="orders",
)
async def odd_quantities(attack: Attack) -> None:
    article, buyer = await attack.grounds.stocked(), await attack.grounds.person("haggler")
    before = await orders_of(attack, buyer.user_id)
    for number, quantity in enumerate((-1, 0, 1.5, "1", True, None, 10**9, 2**63, 1e300)):
        wish = attack.grounds.wish(article.sku)
        wish["items"] = [{"sku": article.sku, "quantity": quantity}]
        status = await place(attack, wish, 100 + number)
        if status < 300 or status >= 500:
            attack.gained(f"the quantity {quantity!r} was answered with {status}")
    if await orders_of(attack, buyer.user_id) != before:
        attack.gained("an order of an impossible quantity exists")


PROBES: Final = (client_price, odd_quantities)
