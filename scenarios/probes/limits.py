"""More requests than anybody may make (security list 30 to 33)."""

import asyncio
import time
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

LOGIN: Final = "/api/v1/auth/login"
CROWD: Final = 200
TRIES: Final = 90
"""Three times what may come at once from one address."""
BURST: Final = 30
"""What the gateway lets in at once of sign-ins (settings, limit_auth), and one a second after that."""


@probe(
    id="limit-bypass",
    title="Rate limit evaded by forwarded addresses and spellings of a path",
    severity=Severity.HIGH,
    cwe=799,
    owasp=Owasp.RESOURCES,
    remediation="Count by the connection's address or the principal; believe no header but a listed proxy's.",
    services=("gateway", "auth"),
    reaches="gateway",
)
async def limit_bypass(attack: Attack) -> None:
    admitted, refused, seconds = 0, 0, 0.0
    for number in range(TRIES):
        address = f"203.0.113.{number}"
        reply = await attack.ask(
            "POST",
            (LOGIN, f"{LOGIN}?n={number}", "/api/v1/auth/register", "/api/v1/auth/refresh")[number % 4],
            headers={
                "X-Forwarded-For": address,
                "X-Real-IP": address,
                "Forwarded": f"for={address}",
                "X-Client-Address": address,
                "True-Client-IP": address,
            },
            json={},
        )
        seconds += reply.seconds
        refused += reply.status == 429
        admitted += reply.status != 429
    if admitted > BURST + seconds + 2:
        attack.gained(f"{admitted} of {TRIES} sign-ins let in within {seconds:.1f} s, {refused} refused")


@probe(
    id="limit-race",
    title="Rate limit passed by a crowd at one moment",
    severity=Severity.MEDIUM,
    cwe=362,
    owasp=Owasp.RESOURCES,
    remediation="Count and decide in one atomic step.",
    services=("gateway", "auth"),
    reaches="gateway",
)
async def limit_race(attack: Attack) -> None:
    began = time.monotonic()
    replies = await asyncio.gather(*(attack.ask("POST", LOGIN, json={}) for _ in range(CROWD)))
    seconds = time.monotonic() - began
    admitted = sum(reply.status != 429 for reply in replies)
    if admitted > BURST + seconds + 2:
        attack.gained(f"{admitted} of {CROWD} sign-ins at one moment let in; {BURST} may come at once")


PROBES: Final = (limit_bypass, limit_race)
