"""Text of a customer's where it is shown: in tables, on pages, in logs (security list 64 to 66)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.probe import Attack, probe

FORMULA: Final = '=HYPERLINK("https://evil.example","open")'
COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
PRODUCT: Final = 1787 * 1789
PAGE: Final = "<img src=x onerror=alert(1)>{{1787*1789}}${1787*1789}"
"""Markup, and an expression whose value nobody would write by chance."""


@probe(
    id="formula-in-export",
    title="A formula in a customer's name, computed by the spreadsheet of whoever exports orders",
    severity=Severity.MEDIUM,
    cwe=1236,
    owasp=Owasp.INJECTION,
    remediation="Put an apostrophe before every text that a spreadsheet would compute.",
    services=CHECKOUT,
    reaches="orders",
)
async def formula_in_export(attack: Attack) -> None:
    order = await attack.grounds.order_to("formula", {"name": FORMULA, "city": "+1"})
    today = datetime.now(UTC).date()
    period = f"since={today - timedelta(days=1)}&until={today + timedelta(days=1)}"
    export = await attack.ask("GET", f"/api/v1/orders/export?{period}", by=order.owner)
    lines = list(csv.reader(io.StringIO(export.text)))
    attack.require(any(order.id in cells for cells in lines), f"the order is not in its export: {export.status}")
    computed = [cell for cells in lines for cell in cells if cell.startswith(COMPUTED)]
    if computed:
        attack.gained(f"a spreadsheet computes {computed[0]!r}")


@probe(
    id="markup-on-page",
    title="Markup and template expressions in what is shown to others",
    severity=Severity.HIGH,
    cwe=79,
    owasp=Owasp.INJECTION,
    remediation="Escape at the template, everywhere; never make a template of a text.",
    services=CHECKOUT,
    reaches="orders",
)
async def markup_on_page(attack: Attack) -> None:
    order = await attack.grounds.order_to("markup", {"name": PAGE})
    await attack.grounds.paid(order)
    page = await attack.ask("GET", f"/api/v1/orders/{order.id}/invoice", by=order.owner)
    attack.require(page.status == 200, f"there is no invoice: {page.status} {page.code}")
    if "text/html" in page.headers.get("Content-Type", "") and "<img src=x" in page.text:
        attack.gained("the invoice runs a script")
    if str(PRODUCT) in page.text:
        attack.gained("the invoice computed an expression")


@probe(
    id="log-injection",
    title="Lines that an attacker writes into a log",
    severity=Severity.MEDIUM,
    cwe=117,
    owasp=Owasp.LOGGING,
    remediation="Write each line as one document whose texts are escaped.",
    services=("gateway", "auth", "catalog"),
    reaches="catalog",
)
async def log_injection(attack: Attack) -> None:
    line = f'{{"event": "request", "forged": "{attack.grounds.name}"}}'
    ended = quote(f"x\n{line}", safe="")
    for path in (f"/api/v1/products/{ended}", f"/api/v1/products?q={ended}", f"/{ended}"):
        await attack.ask("GET", path)
    login = {"email": f"a@b.example\n{line}", "password": f"\n{line}"}
    await attack.ask("POST", "/api/v1/auth/login", json=login)
    await attack.ask("GET", "/api/v1/products", headers={"User-Agent": f"x\\n{line}"})
    for ending in ("\n", "\r"):
        if await attack.site.written(f"{ending}{line}"):
            attack.gained("a line of the attacker's stands in a log as one of the shop's")


PROBES: Final = (formula_in_export, markup_on_page, log_injection)
