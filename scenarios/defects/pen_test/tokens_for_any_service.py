"""Planted: a token between services is good for all of them."""

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.loose_tokens import claims_of
from shared.identity import InternalTokens, Principal
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="tokens-for-any-service",
    title="A token for one service opens another",
    parts=("inventory.tokens",),
    root_cause="Signature and end are verified; for whom a token was minted is not looked at.",
    caught_by=("INV-23.stolen-internal-token",),
    exposed_by="A token of one service, shown to another.",
    symptoms="After a leak in the search service somebody books stock in.",
    fix="Require the audience to be the service that verifies.",
    origin="RFC 8725, section 3.9; CWE-863.",
)


def twin(_healthy: type[InternalTokens], _settings: ServiceSettings) -> type[InternalTokens]:
    """Tokens of everybody for everybody."""
    return AudienceBlindTokens


class AudienceBlindTokens(InternalTokens):
    """Verifies a token for whomever it names."""

    def verify(self, token: str, audience: str) -> Principal:
        return super().verify(token, str(claims_of(token).get("aud", audience)))


TWINS: Twins = {"inventory.tokens": twin}
