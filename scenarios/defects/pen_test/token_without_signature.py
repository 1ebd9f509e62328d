"""Planted: a token says itself that it needs no signature, and is believed."""

from base64 import urlsafe_b64decode
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import USER_ROLES, UserTokens

CARD = DefectCard(
    id="token-without-signature",
    title="A token without a signature is believed",
    parts=("gateway.user_tokens",),
    root_cause="The algorithm is taken from the token; with `none` there is nothing to verify.",
    caught_by=("INV-23.token-none",),
    exposed_by="A token whose header was rewritten to the algorithm none.",
    symptoms="Customers see actions in their accounts that they never took; no failed sign-in precedes them.",
    fix="Verify with one fixed algorithm, whatever the token says.",
    origin="CVE-2015-9235; RFC 8725, section 3.1.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier that lets the token choose."""
    return CredulousTokens


class CredulousTokens(UserTokens):
    """Asks for a signature only where the token wants one."""

    async def _verify_new(self, token: str) -> tuple[Principal, float]:
        header, claims, _ = (*token.split("."), "", "")[:3]
        try:
            algorithm = str(_part(header).get("alg", ""))
            said = _part(claims)
        except (ValueError, msgspec.MsgspecError):
            return await super()._verify_new(token)
        if algorithm.lower() != "none":
            return await super()._verify_new(token)
        who = Principal(said["sub"], USER_ROLES.intersection(said["roles"]), "customer", said["sid"], said.get("email"))
        return who, float(said["exp"])


def _part(encoded: str) -> dict[str, Any]:
    return msgspec.json.decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=dict[str, Any])


TWINS: Twins = {"gateway.user_tokens": twin}
