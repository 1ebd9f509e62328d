"""What only staff may do, tried by a customer (security list 17)."""

from typing import Any, Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

REMEDIATION: Final = "Name on every route the roles that may call it, and let a test compare them with the policy."
UNKNOWN: Final = "00000000-0000-7000-8000-000000000001"


@probe(
    id="staff-functions",
    title="Functions of the staff called by a customer",
    severity=Severity.CRITICAL,
    cwe=285,
    owasp=Owasp.FUNCTIONS,
    remediation=REMEDIATION,
    services=("gateway", "auth", "catalog", "inventory"),
    reaches="inventory",
)
async def staff_functions(attack: Attack) -> None:
    mallory, article = await attack.grounds.person(), await attack.grounds.article()
    stock = "SELECT coalesce(sum(on_hand), 0) AS units FROM stock WHERE sku = $1"
    (before,) = await attack.site.rows("inventory", stock, article.sku)
    receipt: dict[str, Any] = {"sku": article.sku, "quantity": 7, "reference": f"attack {attack.grounds.name}"}
    tried: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("POST", "/stock/receipts", receipt),
        ("GET", "/stock/low", None),
        ("PUT", f"/stock/rules/{article.sku}", {"purchase_limit": 1}),
        ("GET", "/users", None),
        ("PATCH", f"/users/{mallory.user_id}", {"roles": ["admin"]}),
        ("POST", "/products", {"slug": "free", "title": "Free", "category": "household", "variants": []}),
        ("POST", "/categories", {"path": "attack", "name": "Attack"}),
        ("DELETE", f"/products/{article.slug}", None),
    )
    for method, path, body in tried:
        reply = await attack.ask(method, f"/api/v1{path}", by=mallory, json=body)
        if reply.status not in {401, 403, 429}:
            attack.gained(f"{method} {path} was not forbidden to a customer ({reply.status})")
    (after,) = await attack.site.rows("inventory", stock, article.sku)
    if before["units"] != after["units"]:
        attack.gained(f"{after['units'] - before['units']} units booked in by a customer")


PROBES: Final = (staff_functions,)
