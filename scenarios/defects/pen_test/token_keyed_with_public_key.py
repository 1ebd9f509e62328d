"""Planted: the public key verifies signatures of a shared-secret kind too."""

import hashlib
import hmac
from base64 import urlsafe_b64decode

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.loose_tokens import said_by, signed_part
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import UserTokens

CARD = DefectCard(
    id="token-keyed-with-public-key",
    title="The public key is taken for a shared secret",
    parts=("gateway.user_tokens",),
    root_cause="The algorithm of the token chooses how the key is used, and everybody has the public key.",
    caught_by=("INV-23.token-key-confusion",),
    exposed_by="A token signed with HMAC under the key that the shop publishes.",
    symptoms="Actions in accounts whose owners were asleep; the tokens verify.",
    fix="One algorithm per key, decided by whoever keeps the key.",
    origin="CVE-2016-10555; RFC 8725, section 3.1.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier that lets the token say how its key is used."""
    return ConfusedTokens


class ConfusedTokens(UserTokens):
    """HMAC under whatever bytes the key has."""

    async def _verify_new(self, token: str) -> tuple[Principal, float]:
        part = signed_part(token, algorithm="HS256")
        if part is None:
            return await super()._verify_new(token)
        key = await self._key(part.header["kid"])
        public = urlsafe_b64decode(f"{key.as_dict(private=False)['x']}==")
        if not hmac.compare_digest(hmac.new(public, part.signed, hashlib.sha256).digest(), part.signature):
            return await super()._verify_new(token)
        return said_by(part)


TWINS: Twins = {"gateway.user_tokens": twin}
