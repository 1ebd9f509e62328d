"""Planted: the gateway never hears of sessions that were ended."""

from scenarios.defects.card import DefectCard, Twins
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import UserTokens

CARD = DefectCard(
    id="sessions-end-in-auth-alone",
    title="A session that was ended goes on",
    parts=("gateway.user_tokens",),
    root_cause="Tokens are verified by their signature alone; that the session is over stands in another service.",
    caught_by=("INV-23.ended-session",),
    exposed_by="A stolen token after its owner has logged out.",
    symptoms="A customer logs out everywhere, and the thief goes on for ten minutes.",
    fix="Announce ended sessions to the gateways, who refuse their tokens within a second.",
    origin="CWE-613; crAPI, token valid after logout.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier that hears nothing."""
    return DeafTokens


class DeafTokens(UserTokens):
    """Signature and end, and nothing else."""

    async def verify(self, token: str) -> Principal:
        principal, _ = await self._verify_new(token)
        return principal


TWINS: Twins = {"gateway.user_tokens": twin}
