"""What is left of somebody who has gone (security list 70h)."""

import asyncio
import time
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import CHECKOUT
from scenarios.probes.probe import Attack, probe

FORGOTTEN_WITHIN_S: Final = 30.0
POLL_S: Final = 0.5
OUTBOX: Final = "outbox"
"""Events as they were told, which are pruned after a day."""
WITH_TABLES: Final = tuple(service for service in CHECKOUT if service != "gateway")


@probe(
    id="erasure",
    title="A person who erased her account, and is still known",
    severity=Severity.MEDIUM,
    cwe=212,
    owasp=Owasp.CONFIGURATION,
    remediation="Tell every service that a person has gone; let each forget her, and keep what the tax needs.",
    services=CHECKOUT,
    reaches="auth",
)
async def erasure(attack: Attack) -> None:
    order = await attack.grounds.order("leaver")
    gone = order.owner
    await attack.ask("POST", f"/api/v1/orders/{order.id}/cancel", by=gone, json={})
    await attack.grounds.ended(order)  # an order under way needs its address
    export = await attack.ask("GET", "/api/v1/auth/me/export", by=gone)
    if gone.email not in export.text or gone.password in export.text:
        attack.gained("the export of an account is not what is known of it")
    erased = await attack.ask("DELETE", "/api/v1/auth/me", by=gone)
    attack.require(erased.status < 300, f"nobody could erase an account: {erased.status} {erased.code}")
    again = await attack.ask("POST", "/api/v1/auth/login", json={"email": gone.email, "password": gone.password})
    if again.status < 400:
        attack.gained("an erased account can be signed in to")
    until = time.monotonic() + FORGOTTEN_WITHIN_S
    while (left := await _left(attack, gone.email, order.street)) and time.monotonic() < until:
        await asyncio.sleep(POLL_S)
    for where in left:
        attack.gained(f"still in {where}")
    if not await attack.site.rows("orders", "SELECT 1 FROM audit.orders WHERE id = $1::uuid", order.id):
        attack.gained("the order is gone from the books as well")


async def _left(attack: Attack, *canaries: str) -> list[str]:
    """The tables in which a canary stands."""
    left: list[str] = []
    for service in WITH_TABLES:
        tables = await attack.site.rows(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in (row["tablename"] for row in tables if row["tablename"] != OUTBOX):
            statement = f'SELECT 1 FROM "{table}" t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0 LIMIT 1'  # noqa: S608 -- own
            if await attack.site.rows(service, statement, *canaries):
                left.append(f"{service}.{table}")
    return left


PROBES: Final = (erasure,)
