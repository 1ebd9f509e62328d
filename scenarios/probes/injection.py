"""Text that should be data and is tried as code: SQL (security list 1 to 4)."""

from functools import partial
from typing import Final
from urllib.parse import quote

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

SHOP: Final = ("gateway", "auth", "catalog")
ALWAYS_TRUE: Final = ("{} ' OR 1=1 --", "{}%' OR '1'='1' --", "{}') OR ('1'='1", "{}') OR 1=1 --")
SLEEP_S: Final = 3
SLEEPING: Final = (
    "{nothing}' OR (SELECT 1 FROM pg_sleep({seconds})) IS NOT NULL --",
    "{nothing}'||(SELECT pg_sleep({seconds})::text)||'",
    "{nothing}'; SELECT pg_sleep({seconds}); --",
)
ASKED: Final = ("q", "category", "skus", "ids", "status", "cursor")
REMEDIATION: Final = (
    "Bind every value as a parameter; build SQL from fixed fragments only; refuse unknown sort columns."
)

sql_attack = partial(
    probe,
    severity=Severity.CRITICAL,
    cwe=89,
    owasp=Owasp.INJECTION,
    remediation=REMEDIATION,
    services=SHOP,
    reaches="catalog",
)
"""An attack of this family."""


@sql_attack(id="sql-boolean", title="SQL injection by a condition that is always true")
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


@sql_attack(id="sql-time", title="SQL injection that makes the database sleep")
async def sql_time(attack: Attack) -> None:
    """Where an answer takes as long as it was told to, the text was a statement."""
    nothing = f"zz{attack.grounds.name}"
    for parameter in ("q", "skus"):
        for payload in SLEEPING:
            text = payload.format(nothing=nothing, seconds=SLEEP_S)
            reply = await attack.ask("GET", f"/api/v1/products?{parameter}={quote(text, safe='')}")
            if reply.seconds >= SLEEP_S:
                attack.gained(f"{parameter}: the database slept {reply.seconds:.1f} s")


@sql_attack(id="sql-path", title="SQL injection through a part of a path")
async def sql_path(attack: Attack) -> None:
    await attack.grounds.article()
    for payload in ("x' OR '1'='1", "x' OR visible --", "x' UNION SELECT version() --"):
        reply = await attack.ask("GET", f"/api/v1/products/{quote(payload, safe='')}")
        if reply.status == 200:
            attack.gained(f"a product that was never named: {payload!r}")
        elif reply.status >= 500:
            attack.gained(f"the payload broke a statement: {payload!r} ({reply.status})")


PROBES: Final = (sql_boolean, sql_time, sql_path)
