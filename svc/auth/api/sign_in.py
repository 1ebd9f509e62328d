"""Registering, logging in, going on with a refresh token, logging out; and the keys to verify tokens with."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from shared import one_time_tokens
from shared.database import Database
from shared.errors import Refusal
from shared.identity import Principal
from shared.openapi import GONE_OPT
from shared.validated import Email, Name
from svc.auth import handlers
from svc.auth.api.caller import address_of, requires_user, session_id_of, user_id_of
from svc.auth.common_passwords import COMMON_PASSWORDS
from svc.auth.domain import (
    InvalidRefreshToken,
    OpenedSession,
    canonical_email,
    check_password,
)
from svc.auth.keys import KeyRing, KeySet
from svc.auth.parts import Parts
from svc.auth.passwords import Passwords
from svc.auth.second_factors import SecondFactors
from svc.auth.settings import Settings
from svc.auth.tokens import AccessTokens

JWKS_CACHED_S = 30
PUBLIC = {"public": True}
ONCE = {**PUBLIC, GONE_OPT: True}

Password = Annotated[str, msgspec.Meta(max_length=1024)]
"""Bounded so that nobody makes us hash a novel; the rule itself (8 to 128) answers 422."""


Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
OneTime = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    password: Password
    name: Name


class LetterPromised(msgspec.Struct, frozen=True):
    """A letter goes to `email`, if one is due there; what it asks for must be done within `expires_in` seconds."""

    email: str
    expires_in: int


class OneTimeToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: OneTime


class Registered(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    password: Password
    code: Code | None = None


class Refresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 the scheme's name
    expires_in: int


class SignInController(Controller):
    path = "/api/v1/auth"
    tags = ("auth",)

    @post("/register", opt=PUBLIC, status_code=202)
    async def register(
        self,
        data: JSONBody[Registration],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        passwords: NamedDependency[Passwords],
        wake: NamedDependency[SkipValidation[handlers.Wake]],
    ) -> LetterPromised:
        """Ask for an account; a letter to the address says how it goes on, the answer nothing of who has one.

        422 weak_password names the rule.
        """
        email = canonical_email(data.email)
        check_password(data.password, email=email, common=COMMON_PASSWORDS)
        password_hash = await passwords.hash(data.password)
        ttl_s = config.registration_ttl_s
        async with database.begin() as uow:
            await handlers.request_registration(
                uow, wake, email=email, name=data.name, password_hash=password_hash, ttl_s=ttl_s
            )
        return LetterPromised(email, ttl_s)

    @post("/register/confirm", opt=ONCE)
    async def confirm_registration(
        self, data: JSONBody[OneTimeToken], database: NamedDependency[Database], config: NamedDependency[Settings]
    ) -> Registered:
        """Open the account by the token of the letter, which works once: 410 token_gone.

        409 email_taken: meanwhile the address got an account by another letter.
        """
        user_id = one_time_tokens.read(config.internal_secret, one_time_tokens.REGISTRATION, data.token)
        async with database.begin() as uow:
            registration = await handlers.confirm_registration(uow, user_id)
        return Registered(user_id, registration.email)

    @post("/login", opt=PUBLIC, status_code=200)
    async def login(
        self,
        data: JSONBody[Login],
        request: Request[Any, Any, Any],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        passwords: NamedDependency[Passwords],
        tokens: NamedDependency[AccessTokens],
        factors: NamedDependency[SecondFactors],
        parts: NamedDependency[SkipValidation[Parts]],
    ) -> Response[TokenPair]:
        """Exchange a password for tokens; with a second factor `code` is one of the app or a recovery code.

        401 says nothing about which part was wrong, but second_factor_required and second_factor_refused, which only
        who knows the password sees; 429 says how long to wait.
        """
        async with database.begin() as uow:
            attempt = await parts.begin_login(
                uow, config, email=canonical_email(data.email), address=address_of(request)
            )
        matched = await passwords.verify(attempt.password_hash, data.password)
        async with database.begin() as uow:
            opened = await handlers.finish_login(
                uow,
                config,
                attempt,
                factors,
                matched=matched,
                code=data.code,
                agent=request.headers.get("user-agent", ""),
            )
        if isinstance(opened, Refusal):
            raise opened
        return await _answer(tokens, config, opened)

    @post("/refresh", opt=PUBLIC, status_code=200)
    async def refresh(
        self,
        data: JSONBody[Refresh],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        tokens: NamedDependency[AccessTokens],
        parts: NamedDependency[SkipValidation[Parts]],
    ) -> Response[TokenPair]:
        """Exchange a refresh token, which works once; using it again ends the session."""
        async with database.begin() as uow:
            opened = await parts.refresh(uow, data.refresh_token)
        if opened is None:
            raise InvalidRefreshToken("sign in again")
        return await _answer(tokens, config, opened)

    @post("/logout", guards=(requires_user,), status_code=204)
    async def logout(self, principal: NamedDependency[Principal], database: NamedDependency[Database]) -> None:
        """End this session: its refresh token at once, its access tokens within a second at the gateway."""
        session_id = session_id_of(principal)
        if session_id is None:
            return
        async with database.begin() as uow:
            await handlers.end_session(uow, user_id_of(principal), session_id)


@get("/.well-known/jwks.json", opt=PUBLIC, tags=("auth",))
async def jwks(ring: NamedDependency[KeyRing]) -> Response[KeySet]:
    """The public keys that may have signed an access token that is still valid."""
    keys = await ring.public_keys()
    return Response(keys, headers={"Cache-Control": f"public, max-age={JWKS_CACHED_S}"})


async def _answer(
    tokens: NamedDependency[AccessTokens], config: NamedDependency[Settings], opened: OpenedSession
) -> Response[TokenPair]:
    access = await tokens.mint(opened.account, opened.session_id, ttl_s=config.access_ttl_s)
    pair = TokenPair(access_token=access, refresh_token=opened.refresh_token, expires_in=config.access_ttl_s)
    return Response(pair, status_code=200, headers={"Cache-Control": "no-store"})
