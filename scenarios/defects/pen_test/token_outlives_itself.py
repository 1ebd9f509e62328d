"""Planted: a token that was seen once is remembered, and its end is not."""

from scenarios.defects.card import DefectCard, Twins
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import InvalidToken, UserTokens

CARD = DefectCard(
    id="token-outlives-itself",
    title="A remembered token has no end",
    parts=("gateway.user_tokens",),
    root_cause="Verified tokens are kept in a memory that forgets none of them for being old.",
    caught_by=("INV-23.token-expired",),
    exposed_by="A token that is used before and after its end.",
    symptoms="Customers who were signed out in theory go on all day; a stolen token works as long as the process.",
    fix="Keep the end beside what is remembered, and look at it on every use.",
    origin="CWE-613; ASVS 5.0, V7.3.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier with a long memory."""
    return ForgetlessTokens


class ForgetlessTokens(UserTokens):
    """Knows whom it has seen."""

    async def verify(self, token: str) -> Principal:
        known = self._verified.get(token)
        if known is not None and known[0].session not in self._revoked:
            return known[0]
        if known is not None:
            raise InvalidToken("the access token is not valid")
        return await super().verify(token)


TWINS: Twins = {"gateway.user_tokens": twin}
