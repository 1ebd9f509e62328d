"""One's API keys, and what the gateway asks about a key that somebody came with."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.validated import Name
from svc.auth import handlers
from svc.auth.api.caller import requires_user, user_id_of
from svc.auth.api.proof import require_password
from svc.auth.api.sign_in import Password
from svc.auth.domain import ApiKeyView, InvalidApiKey
from svc.auth.passwords import Passwords

DAYS_MAX = 365
DAY_S = 24 * 3600


class ApiKeyCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    scopes: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(min_length=1, max_length=32)]
    password: Password
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] = 90


class NewApiKey(msgspec.Struct, frozen=True):
    """`key` is shown this once."""

    key: str
    described: ApiKeyView


class ApiKeys(msgspec.Struct, frozen=True):
    items: list[ApiKeyView]


class PresentedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class VerifiedKey(msgspec.Struct, frozen=True):
    key_id: UUID
    user_id: UUID
    email: str
    roles: list[str]
    scopes: list[str]
    expires_at: datetime


class ApiKeysController(Controller):
    path = "/api/v1/auth/api-keys"
    tags = ("account",)
    guards = (requires_user,)

    @post("/")
    async def create(
        self,
        data: JSONBody[ApiKeyCreate],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
    ) -> Response[NewApiKey]:
        """Make a key, which is shown this once; needs the password, so that no stolen session outlives itself.

        422 unknown_scope names it and those that exist; 409 too_many_api_keys.
        """
        user_id = user_id_of(principal)
        await require_password(database, passwords, user_id, data.password)
        async with database.begin() as uow:
            described, key = await handlers.create_api_key(
                uow, user_id, name=data.name, scopes=data.scopes, ttl_s=data.expires_in_days * DAY_S
            )
        return Response(NewApiKey(key, described), headers={"Cache-Control": "no-store"})

    @get("/")
    async def list_keys(self, principal: NamedDependency[Principal], database: NamedDependency[Database]) -> ApiKeys:
        """One's keys that work, at most twenty; by their prefix, never whole."""
        async with database.begin() as uow:
            return ApiKeys(await handlers.list_api_keys(uow, user_id_of(principal)))

    @delete("/{key_id:uuid}")
    async def revoke(
        self, key_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> None:
        """Take a key back, at the gateway within a second; a foreign one is unknown."""
        async with database.begin() as uow:
            await handlers.revoke_api_key(uow, user_id_of(principal), key_id)


@post("/internal/api-keys/verify", guards=(requires_role("service"),), status_code=200, tags=("internal",))
async def verify_api_key(data: JSONBody[PresentedKey], database: NamedDependency[Database]) -> VerifiedKey:
    """Whom the key speaks for; 401 invalid_api_key."""
    async with database.begin() as uow:
        key = await handlers.verify_api_key(uow, data.key)
    if key is None:
        raise InvalidApiKey("the API key is not valid")
    account = key.account
    return VerifiedKey(key.id, account.user_id, account.email, list(account.roles), list(key.scopes), key.expires_at)
