"""Planted: a token is verified with the key that it brings along."""

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.loose_tokens import said_by, signed_part
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import ALGORITHM, UserTokens

CARD = DefectCard(
    id="token-brings-its-key",
    title="A token brings the key it is verified with",
    parts=("gateway.user_tokens",),
    root_cause="The jwk of the header is preferred to the issuer's keys.",
    caught_by=("INV-23.token-own-key",),
    exposed_by="A token signed with any key, which is put into its header.",
    symptoms="Verified tokens under key ids that auth does not know.",
    fix="Choose the key by its id among those of the issuer, fetched from the issuer.",
    origin="CVE-2018-0114; RFC 8725, section 3.10.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier that takes the nearest key."""
    return ObligingTokens


class ObligingTokens(UserTokens):
    """Looks into the header for a key first."""

    async def _verify_new(self, token: str) -> tuple[Principal, float]:
        part = signed_part(token, algorithm=ALGORITHM)
        if part is None or "jwk" not in part.header:
            return await super()._verify_new(token)
        try:
            jwt.decode(token, OKPKey.import_key(part.header["jwk"]), algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return await super()._verify_new(token)
        return said_by(part)


TWINS: Twins = {"gateway.user_tokens": twin}
