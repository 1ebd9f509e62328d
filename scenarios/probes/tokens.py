"""Tokens that nobody was given: forged, foreign, stale (security list 20 to 26)."""

import base64
from typing import Any, Final

import msgspec

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.grounds import Person
from scenarios.probes.probe import Attack, Reply, probe

DOOR: Final = ("gateway", "auth")
ME: Final = "/api/v1/auth/me"
REMEDIATION: Final = "Verify with one fixed algorithm and the issuer's own keys; check every claim; believe no header."


def encoded(part: Any) -> str:
    """A part of a token: base64url without padding."""
    return base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=").decode()


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, unverified."""
    header, claims, _ = token.split(".")
    return tuple(msgspec.json.decode(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))  # type: ignore[return-value]


def admitted(attack: Attack, reply: Reply, victim: Person, how: str) -> None:
    """Whether a token that must be worthless speaks for its victim."""
    if reply.status == 200 and victim.user_id in reply.text:
        attack.gained(f"{how}: signed in as {victim.email}")


@probe(
    id="token-none",
    title="Access token without a signature",
    severity=Severity.CRITICAL,
    cwe=347,
    owasp=Owasp.AUTHENTICATION,
    remediation=REMEDIATION,
    services=DOOR,
    reaches="gateway",
)
async def token_none(attack: Attack) -> None:
    victim = await attack.grounds.person("alice")
    header, claims = decoded(victim.access_token)
    attack.require((await attack.ask("GET", ME, by=victim)).status == 200, "the victim's own token is refused")
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        forged = f"{encoded({**header, 'alg': algorithm})}.{encoded(claims)}."
        admitted(attack, await attack.ask("GET", ME, token=forged), victim, f"alg {algorithm!r}")


PROBES: Final = (token_none,)
