"""Whoever holds a token of the inside: used at another service, or after its end (security list 45)."""

import asyncio
from typing import Final

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe
from shared.identity import HEADER, TOKEN_LIFETIME_S

BEHIND: Final = ("auth", "catalog", "inventory")
PAGE: Final = "/internal/contract"
NEARLY_S: Final = TOKEN_LIFETIME_S - 2.0
PAST_S: Final = 2.2
UNHEARD: Final = frozenset({401, 404})
"""To whoever is not on its machine, the gateway's page of the operator is not there."""


@probe(
    id="stolen-internal-token",
    title="A token between services, used at another one and after its end",
    severity=Severity.HIGH,
    cwe=294,
    owasp=Owasp.AUTHENTICATION,
    remediation="Bind each token to one audience and a minute; check both at every use, of remembered ones too.",
    services=("gateway", *BEHIND),
    reaches="inventory",
)
async def stolen_internal_token(attack: Attack) -> None:
    """Each token is the operator's, with every role there is: what may stop it is its audience and its end alone."""
    stolen = {service: attack.site.internal_token(service) for service in BEHIND}
    own = await attack.ask("GET", PAGE, service="inventory", headers={HEADER: stolen["inventory"]})
    attack.require(own.status == 200, f"a token does not work where it is meant for: {own.status}")
    for service in (*BEHIND, "gateway"):
        for meant_for in BEHIND:
            if meant_for != service:
                await _refused(attack, service, stolen[meant_for], what=f"a token for {meant_for}")
    await _refused(attack, "inventory", attack.site.internal_token("inventory", age_s=TOKEN_LIFETIME_S + 1), what="old")
    ending = attack.site.internal_token("inventory", age_s=NEARLY_S)
    await attack.ask("GET", PAGE, service="inventory", headers={HEADER: ending})
    await asyncio.sleep(PAST_S)  # what is waited for is the token's end, by its own claim
    await _refused(attack, "inventory", ending, what="a token that was used before its end")
    shown = await attack.ask("GET", "/api/v1/users", headers={HEADER: stolen["auth"]})
    if shown.status != 401:
        attack.gained(f"the gateway lets a client's internal token in ({shown.status})")
    bearer = await attack.ask("GET", "/api/v1/users", token=stolen["auth"])
    if bearer.status != 401:
        attack.gained(f"the gateway takes an internal token for a customer's ({bearer.status})")


async def _refused(attack: Attack, service: str, token: str, *, what: str) -> None:
    reply = await attack.ask("GET", PAGE, service=service, headers={HEADER: token})
    if reply.status not in UNHEARD:
        attack.gained(f"{service} accepts {what} ({reply.status})")


PROBES: Final = (stolen_internal_token,)
