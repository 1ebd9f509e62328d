"""Verifies users' access tokens against the key set of auth, and remembers verified ones until they expire.

The key is chosen by `kid` among keys fetched from auth alone; a token never names where a key comes from.
"""

import asyncio
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.bounded_map import BoundedMap
from shared.errors import Kind, Refusal, Unauthenticated, WorldError
from shared.identity import Principal
from svc.gateway.revocations import Revocations

ISSUER = "shopstream"
AUDIENCE = "shopstream-api"
TYPE = "at+jwt"
ALGORITHM = "Ed25519"
LIFETIME_S_MAX = 600
TOKEN_LENGTH_MAX = 4_096
VERIFIED_MAX = 50_000
KEYS_MAX = 16
REFRESH_EVERY_S = 30.0
REFRESH_UNTIL_FOUND_S = 0.5
REFETCH_PAUSE_S = 1.0
USER_ROLES = frozenset({"customer", "seller", "support", "admin"})

log = structlog.get_logger(__name__)

FetchKeys = Callable[[], Awaitable["KeySet"]]


class InvalidToken(Unauthenticated):
    """Malformed, foreign, expired or revoked; the answer never says which."""

    code = "invalid_token"


class IdentityUnavailable(Refusal):
    """No key set could be fetched yet: nobody's token can be judged, which is not the caller's fault."""

    code = "identity_unavailable"
    kind = Kind.UNAVAILABLE


class PublicKey(msgspec.Struct, frozen=True):
    kid: str
    kty: str
    crv: str
    x: str


class KeySet(msgspec.Struct, frozen=True):
    keys: list[PublicKey]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a token's header may say; jku, jwk, x5u and crit are unknown fields and end it."""

    alg: str
    typ: str
    kid: str


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    sid: str
    exp: int
    iat: int
    roles: list[str]
    email: str | None = None


class UserTokens:
    """The key set of auth and a bounded memory of verified tokens."""

    def __init__(self, fetch_keys: FetchKeys, revocations: Revocations) -> None:
        self._fetch_keys = fetch_keys
        self._revoked = revocations.revoked
        self._keys: dict[str, OKPKey] = {}
        self._verified: BoundedMap[str, tuple[Principal, float]] = BoundedMap(VERIFIED_MAX)
        self._fetching: asyncio.Task[None] | None = None
        self._fetched_at = -REFETCH_PAUSE_S
        self.fetches = 0

    async def verify(self, token: str) -> Principal:
        """Who the token belongs to. Raises `InvalidToken`, `IdentityUnavailable`."""
        known = self._verified.get(token)
        if known is not None:
            principal, expires_at = known
            if time.time() >= expires_at or principal.session in self._revoked:
                raise InvalidToken("the access token is not valid")
            return principal
        principal, expires_at = await self._verify_new(token)
        self._verified.put(token, (principal, expires_at))
        if principal.session in self._revoked:
            raise InvalidToken("the access token is not valid")
        return principal

    async def refresh_forever(self) -> None:
        """Keep the key set fresh, so that a withdrawn key stops counting; runs until cancelled."""
        while True:
            await self._refetch()
            await asyncio.sleep(REFRESH_EVERY_S if self._keys else REFRESH_UNTIL_FOUND_S)

    async def _verify_new(self, token: str) -> tuple[Principal, float]:
        header = _header_of(token)
        key = await self._key(header.kid)
        try:
            decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
            jwt.JWTClaimsRegistry(
                leeway=0,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": AUDIENCE},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(decoded.claims)
            claims = msgspec.convert(decoded.claims, _Claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("the access token is not valid") from error
        if claims.exp - claims.iat > LIFETIME_S_MAX or decoded.claims.get("aud") != AUDIENCE:
            raise InvalidToken("the access token is not valid")
        principal = Principal(
            subject=claims.sub,
            roles=USER_ROLES.intersection(claims.roles),
            kind="customer",
            session=claims.sid,
            email=claims.email,
        )
        return principal, float(claims.exp)

    async def _key(self, kid: str) -> OKPKey:
        key = self._keys.get(kid)
        if key is None and (not self._keys or time.monotonic() - self._fetched_at >= REFETCH_PAUSE_S):
            await self._refetch()
            key = self._keys.get(kid)
        if key is not None:
            return key
        if not self._keys:
            raise IdentityUnavailable("tokens cannot be checked right now; try again")
        raise InvalidToken("the access token is not valid")

    async def _refetch(self) -> None:
        """Fetch the key set; callers at the same moment share one fetch."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch(), name="jwks")
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        self.fetches += 1
        try:
            fetched = await self._fetch_keys()
        except (WorldError, Refusal, OSError) as error:
            log.warning("jwks_not_fetched", error=repr(error))
            return
        finally:
            self._fetched_at = time.monotonic()
        keys = {key.kid: _import(key) for key in fetched.keys[:KEYS_MAX] if key.kty == "OKP" and key.crv == ALGORITHM}
        if keys.keys() != self._keys.keys():
            self._verified.clear()  # a token of a withdrawn key must not live on in memory
        self._keys = keys


def bearer(authorization: str) -> str:
    """The token of an Authorization header. Raises `InvalidToken`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        raise InvalidToken("send Authorization: Bearer with an access token")
    return token


def _header_of(token: str) -> _Header:
    encoded = token.partition(".")[0]
    try:
        raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        header = msgspec.json.decode(raw, type=_Header)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidToken("the access token is not valid") from error
    if header.alg != ALGORITHM or header.typ != TYPE:
        raise InvalidToken("the access token is not valid")
    return header


def _import(key: PublicKey) -> OKPKey:
    parameters: dict[str, Any] = {"kty": key.kty, "crv": key.crv, "x": key.x, "kid": key.kid}
    return OKPKey.import_key(parameters)
