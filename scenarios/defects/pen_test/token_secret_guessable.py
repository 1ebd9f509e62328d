"""Planted: tokens of the old issuer are accepted still, whose secret was a word."""

import hashlib
import hmac

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.loose_tokens import said_by, signed_part
from shared.identity import Principal
from shared.settings import ServiceSettings
from svc.gateway.user_tokens import UserTokens

CARD = DefectCard(
    id="token-secret-guessable",
    title="Tokens are signed with a word",
    parts=("gateway.user_tokens",),
    root_cause="A shared secret from a tutorial was kept for clients that had not moved to the new keys.",
    caught_by=("INV-23.token-weak-secret",),
    exposed_by="Somebody who tries a list of usual secrets against one token.",
    symptoms="Tokens of administrators that auth never issued.",
    fix="Refuse shared secrets; sign with a private key that no person chose.",
    origin="CWE-1391; VAmPI, weak JWT signing key.",
)


def twin(_healthy: type[UserTokens], _settings: ServiceSettings) -> type[UserTokens]:
    """A verifier with a second, weaker way."""
    return SentimentalTokens


class SentimentalTokens(UserTokens):
    """Accepts what is signed with the old secret."""

    async def _verify_new(self, token: str) -> tuple[Principal, float]:
        part = signed_part(token, algorithm="HS256")
        if part is None or hmac.new(b"secret", part.signed, hashlib.sha256).digest() != part.signature:
            return await super()._verify_new(token)
        return said_by(part)


TWINS: Twins = {"gateway.user_tokens": twin}
