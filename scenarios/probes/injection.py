"""Text that should be data and is tried as code: SQL (security list 1 to 4)."""

from typing import Final
from urllib.parse import quote

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

SHOP: Final = ("gateway", "auth", "catalog")
ALWAYS_TRUE: Final = ("{} ' OR 1=1 --", "{}%' OR '1'='1' --", "{}') OR ('1'='1", "{}') OR 1=1 --")
ASKED: Final = ("q", "category", "skus", "ids", "status", "cursor")
REMEDIATION: Final = (
    "Bind every value as a parameter; build SQL from fixed fragments only; refuse unknown sort columns."
)


@probe(
    id="sql-boolean",
    title="SQL injection by a condition that is always true",
    severity=Severity.CRITICAL,
    cwe=89,
    owasp=Owasp.INJECTION,
    remediation=REMEDIATION,
    services=SHOP,
    reaches="catalog",
)
async def sql_boolean(attack: Attack) -> None:
    """A word that no product has, and a condition: whatever is found was found by the condition."""
    await attack.grounds.article()
    nothing = f"zz{attack.grounds.name}"
    for parameter in ASKED:
        for payload in ALWAYS_TRUE:
            reply = await attack.ask("GET", f"/api/v1/products?{parameter}={quote(payload.format(nothing), safe='')}")
            if reply.items:
                attack.gained(f"{parameter}: {len(reply.items)} products that do not match")
            elif reply.status >= 500:
                attack.gained(f"{parameter}: the payload broke a statement ({reply.status})")


PROBES: Final = (sql_boolean,)
