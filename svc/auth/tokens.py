"""Access tokens: JWT after RFC 9068, signed with Ed25519, ten minutes at most. Verified by the gateway, not here."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.clock import Clock
from svc.auth.domain import Account
from svc.auth.keys import KeyRing

ISSUER = "shopstream"
AUDIENCE = "shopstream-api"
TYPE = "at+jwt"
ALGORITHM = "Ed25519"
SIGNED_PER_THREAD_TURN = 500


class AccessTokens:
    """Mints tokens with the ring's current key."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    async def mint(self, account: Account, session_id: UUID, *, ttl_s: int) -> str:
        """One token; `ttl_s` seconds from now it is worth nothing."""
        return _sign(await self._ring.signing_key(), self._claims(account, session_id, ttl_s))

    async def mint_many(self, owners: Sequence[tuple[Account, UUID]], *, ttl_s: int) -> list[str]:
        """Thousands of tokens without holding up the event loop."""
        key = await self._ring.signing_key()
        tokens: list[str] = []
        for start in range(0, len(owners), SIGNED_PER_THREAD_TURN):
            turn = owners[start : start + SIGNED_PER_THREAD_TURN]
            claims = [self._claims(account, session_id, ttl_s) for account, session_id in turn]
            tokens += await asyncio.to_thread(_sign_all, key, claims)
        return tokens

    def _claims(self, account: Account, session_id: UUID, ttl_s: int) -> dict[str, Any]:
        issued_at = int(self._clock.now().timestamp())
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account.user_id),
            "roles": list(account.roles),
            "email": account.email,
            "sid": str(session_id),
            "jti": secrets.token_urlsafe(12),
            "iat": issued_at,
            "exp": issued_at + ttl_s,
        }


def _sign_all(key: OKPKey, claims: Sequence[dict[str, Any]]) -> list[str]:
    return [_sign(key, one) for one in claims]


def _sign(key: OKPKey, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])
