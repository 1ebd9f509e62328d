"""Who is calling: principals, the short internal token between services, and the guards of routes.

The gateway verifies users and mints; every service verifies for itself. Ownership is the handlers' business.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from litestar.connection import ASGIConnection, Request
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from shared import caller
from shared.bounded_map import BoundedMap
from shared.errors import Forbidden, Unauthenticated
from shared.problem_details import problem_response

HEADER = "X-Internal-Token"
ADDRESS_HEADER = "X-Client-Address"
"""The client's address, in the gateway's word."""

TOKEN_LIFETIME_S = 60
TOKEN_REUSE_S = 30  # a cached token is handed out only while it has this much life left or more
SECRET_BYTES_MIN = 32
TOKEN_LENGTH_MAX = 4_096
CACHE_ENTRIES_MAX = 20_000
PUBLIC_OPT = "public"

_HEADER_BYTES = HEADER.lower().encode()
_ADDRESS_BYTES = ADDRESS_HEADER.lower().encode()
_ISSUER = "shopstream-internal"
_TYPE = "int+jwt"
_ALGORITHM = "HS256"

NOBODY: Final = UUID(int=0)
"""The owner of nothing: what is asked for under it is never found."""


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller. `subject` is a user id or a service name, `session` the login it came from."""

    subject: str
    roles: frozenset[str] = frozenset()
    kind: str = "customer"
    session: str | None = None
    email: str | None = None

    def has_role(self, *roles: str) -> bool:
        """Tell whether the caller has at least one of the roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def person_id(self) -> UUID:
        """The user's id, for what only people have. Raises `Forbidden` for services and operators."""
        try:
            return UUID(self.subject)
        except ValueError as error:
            raise Forbidden("this is for people with an account") from error

    def sees_of(self, *staff: str) -> UUID | None:
        """Whose things the caller may see: everyone's (None) with a role of `staff`, else one's own, else nobody's."""
        if self.has_role(*staff):
            return None
        try:
            return UUID(self.subject)
        except ValueError:
            return NOBODY


ANONYMOUS = Principal(subject="anonymous", kind="anonymous")


def service_principal(service: str) -> Principal:
    """Return the identity a service uses when it acts on its own behalf."""
    return Principal(subject=service, roles=frozenset({"service"}), kind="service")


def operator_principal(name: str = "operator") -> Principal:
    """Return the identity of the operator's tools and of the drill harness."""
    return Principal(subject=name, roles=frozenset({"operator", "admin", "service"}), kind="operator")


class InternalTokens:
    """Mints and verifies internal tokens (JWT, HS256, bound to one audience, at most TOKEN_LIFETIME_S old).

    Both directions are cached in bounded maps; a cached verification never outlives its token's expiry.
    """

    def __init__(self, secret: str, *, now: Callable[[], float] = time.time) -> None:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"the internal secret needs at least {SECRET_BYTES_MIN} bytes")
        self._key = OctKey.import_key(secret)
        self._now = now
        self._minted: BoundedMap[tuple[Principal, str], tuple[str, float]] = BoundedMap(CACHE_ENTRIES_MAX)
        self._verified: BoundedMap[tuple[str, str], tuple[Principal, float]] = BoundedMap(CACHE_ENTRIES_MAX)

    def mint(self, principal: Principal, audience: str) -> str:
        """Return a token by which `audience` (a service name) will recognise the principal."""
        now = self._now()
        key = (principal, audience)
        cached = self._minted.get(key)
        if cached is not None and cached[1] - now >= TOKEN_REUSE_S:
            return cached[0]
        issued_at = int(now)
        expires_at = issued_at + TOKEN_LIFETIME_S
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": audience,
            "sub": principal.subject,
            "kind": principal.kind,
            "roles": sorted(principal.roles),
            "iat": issued_at,
            "exp": expires_at,
        }
        if principal.session is not None:
            claims["sid"] = principal.session
        if principal.email is not None:
            claims["email"] = principal.email
        token = jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, self._key, algorithms=[_ALGORITHM])
        self._minted.put(key, (token, float(expires_at)))
        return token

    def verify(self, token: str, audience: str) -> Principal:
        """Return the principal of a token meant for this audience; raises Unauthenticated for any other."""
        now = self._now()
        cached = self._verified.get((token, audience))
        if cached is not None:
            if now < cached[1]:
                return cached[0]
            raise Unauthenticated("the internal token is not valid")
        if len(token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("the internal token is not valid")
        try:
            principal, expires_at = self._decode(token, audience, int(now))
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("the internal token is not valid") from error
        self._verified.put((token, audience), (principal, expires_at))
        return principal

    def _decode(self, token: str, audience: str, now: int) -> tuple[Principal, float]:
        decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
        if decoded.header.get("typ") != _TYPE:
            raise ValueError("not an internal token")
        jwt.JWTClaimsRegistry(
            now=now,
            leeway=0,
            iss={"essential": True, "value": _ISSUER},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(decoded.claims)
        claims = msgspec.convert(decoded.claims, _Claims)
        if claims.exp - claims.iat > TOKEN_LIFETIME_S:
            raise ValueError("an internal token lives too long")
        principal = Principal(
            subject=claims.sub,
            roles=frozenset(claims.roles),
            kind=claims.kind,
            session=claims.sid,
            email=claims.email,
        )
        return principal, float(claims.exp)


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    exp: int
    iat: int
    kind: str
    roles: list[str]
    sid: str | None = None
    email: str | None = None


class AuthenticationMiddleware:
    """ASGI middleware: puts the Principal into scope["user"], or answers 401.

    Routes with `opt={"public": True}` need no token, but one that is sent must still be valid.
    """

    def __init__(self, app: ASGIApp, *, tokens: InternalTokens, audience: str) -> None:
        self._app = app
        self._tokens = tokens
        self._audience = audience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _token_of(scope["headers"])
        if token is None:
            if not _is_public(scope):
                await _refuse(send, "this service is reached through the gateway")
                return
            scope["user"] = ANONYMOUS
        else:
            try:
                scope["user"] = self._tokens.verify(token, self._audience)
            except Unauthenticated as refusal:
                await _refuse(send, refusal.detail)
                return
        with caller.serving(_caller_of(scope)):
            await self._app(scope, receive, send)


def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Litestar dependency `principal`."""
    return request.scope["user"]


def requires_role(*roles: str) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """Return a Litestar guard that lets a caller with one of the roles pass; others get Forbidden."""
    if not roles:
        raise ValueError("name at least one role")
    allowed = frozenset(roles)

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        principal: Principal = connection.scope["user"]
        if principal.kind == "anonymous":
            raise Unauthenticated("sign in first")
        if principal.roles.isdisjoint(allowed):
            raise Forbidden("this needs another role")

    return guard


async def _refuse(send: Send, detail: str) -> None:
    # answered here, not raised: the framework would handle it outside of the request's trace
    await problem_response(
        send, status=401, code=Unauthenticated.code, detail=detail, headers={"WWW-Authenticate": "Bearer"}
    )


def _caller_of(scope: Scope) -> str:
    """Who is served; nobody in particular is told apart by address, and a service by its name."""
    principal: Principal = scope["user"]
    if principal.kind != ANONYMOUS.kind:
        return principal.subject
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _ADDRESS_BYTES), "anonymous")


def _token_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == _HEADER_BYTES:
            return value.decode("latin-1")
    return None


def _is_public(scope: Scope) -> bool:
    handler: BaseRouteHandler = scope["route_handler"]
    return bool(handler.opt.get(PUBLIC_OPT))
