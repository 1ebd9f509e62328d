"""Bulk work for the operator's tools, and turning the signing key by hand."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.validated import Email, Name
from svc.auth import handlers
from svc.auth.api.accounts import Role
from svc.auth.api.sign_in import Password
from svc.auth.domain import TooManyPasswords, canonical_email, seeded_user_id
from svc.auth.keys import KeyRing
from svc.auth.passwords import Passwords
from svc.auth.settings import ACCESS_TTL_S_MAX
from svc.auth.store.users import SeedUser
from svc.auth.tokens import AccessTokens

IMPORT_ITEMS_MAX = 10_000
SUBJECTS_MAX = 10_000
IMPORT_BYTES_MAX = 8 * 1024 * 1024
PASSWORDS_PER_IMPORT_MAX = 200
"""Different passwords in one import; equal ones share a hash. Each is hashed once."""


class ImportItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    email: Email
    name: Name
    password: Password | None = None
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=4)] = msgspec.field(
        default_factory=lambda: ["customer"]
    )


class UserImport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[ImportItem], msgspec.Meta(min_length=1, max_length=IMPORT_ITEMS_MAX)]


class ImportedUser(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str


class Imported(msgspec.Struct, frozen=True):
    """`items` in the order they were sent."""

    items: list[ImportedUser]
    created: int
    known: int


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subjects: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=SUBJECTS_MAX)]
    ttl_s: Annotated[int, msgspec.Meta(ge=1, le=ACCESS_TTL_S_MAX)] = ACCESS_TTL_S_MAX


class IssuedToken(msgspec.Struct, frozen=True):
    user_id: UUID
    access_token: str


class IssuedTokens(msgspec.Struct, frozen=True):
    items: list[IssuedToken]
    expires_in: int


class RotatedKey(msgspec.Struct, frozen=True):
    kid: str


class InternalController(Controller):
    path = "/internal"
    tags = ("internal",)

    @post(
        "/users/import",
        guards=(requires_role("service"),),
        status_code=200,
        request_max_body_size=IMPORT_BYTES_MAX,
    )
    async def import_users(
        self,
        data: JSONBody[UserImport],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
    ) -> Imported:
        """Seed users; ids are derived from the address, so a repeated import changes nothing."""
        wanted = {item.password for item in data.items if item.password is not None}
        if len(wanted) > PASSWORDS_PER_IMPORT_MAX:
            raise TooManyPasswords(
                "one import brings a few different passwords", passwords_max=PASSWORDS_PER_IMPORT_MAX
            )
        hashes = {password: await passwords.hash_for_seed(password) for password in wanted}
        seeds = [_seed(item, hashes) for item in data.items]
        async with database.begin() as uow:
            created, ids = await handlers.import_users(uow, seeds, actor=principal.subject)
        items = [ImportedUser(user_id, seed.email) for user_id, seed in zip(ids, seeds, strict=True)]
        return Imported(items, created, len(seeds) - created)

    @post("/tokens", guards=(requires_role("operator"),), status_code=200)
    async def issue_tokens(
        self,
        data: JSONBody[TokenRequest],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        tokens: NamedDependency[AccessTokens],
    ) -> IssuedTokens:
        """Access tokens for many users at once, without their passwords; written to the audit log."""
        async with database.begin() as uow:
            owners = await handlers.issue_sessions(uow, data.subjects, ttl_s=data.ttl_s, actor=principal.subject)
        signed = await tokens.mint_many(owners, ttl_s=data.ttl_s)
        items = [IssuedToken(account.user_id, token) for (account, _), token in zip(owners, signed, strict=True)]
        return IssuedTokens(items, data.ttl_s)

    @post("/keys/rotate", guards=(requires_role("operator"),), status_code=200)
    async def rotate_key(
        self, principal: NamedDependency[Principal], database: NamedDependency[Database], ring: NamedDependency[KeyRing]
    ) -> RotatedKey:
        """Follow the signing key now; tokens of the old one stay valid until they expire."""
        async with database.begin() as uow:
            return RotatedKey(await handlers.rotate_key(uow, ring, actor=principal.subject))


def _seed(item: ImportItem, hashes: dict[str, str]) -> SeedUser:
    email = canonical_email(item.email)
    return SeedUser(
        seeded_user_id(email),
        email,
        item.name,
        hashes[item.password] if item.password is not None else None,
        tuple(sorted(set(item.roles))),
    )
