"""Planted: a token between services works for as long as its signature does."""

from joserfc.errors import JoseError

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.loose_tokens import claims_of
from shared.errors import Unauthenticated
from shared.identity import InternalTokens, Principal
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="internal-tokens-without-end",
    title="A token between services has no end",
    parts=("inventory.tokens",),
    root_cause="Clocks of two machines differed once, and the check of the end was taken out to be on the safe side.",
    caught_by=("INV-23.stolen-internal-token",),
    exposed_by="A token that is shown again after its minute.",
    symptoms="Whoever reads an old trace or a core dump is inside.",
    fix="Check the end at every use, with a leeway of seconds at most.",
    origin="CWE-613; RFC 7519, section 4.1.4.",
)


def twin(_healthy: type[InternalTokens], _settings: ServiceSettings) -> type[InternalTokens]:
    """Tokens for ever."""
    return EndlessTokens


class EndlessTokens(InternalTokens):
    """Looks at a token as if it had been minted this moment."""

    def verify(self, token: str, audience: str) -> Principal:
        try:
            return self._decode(token, audience, int(claims_of(token).get("iat", self._now())))[0]
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("the internal token is not valid") from error


TWINS: Twins = {"inventory.tokens": twin}
