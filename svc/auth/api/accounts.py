"""One's own account and sessions, and the accounts of others for staff."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from shared.database import Database
from shared.errors import Kind, Refusal
from shared.identity import Principal, requires_role
from shared.if_match import etag
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Name
from svc.auth import handlers
from svc.auth.api.caller import requires_user, session_id_of, user_id_of
from svc.auth.api.proof import require_password
from svc.auth.api.sign_in import Password
from svc.auth.common_passwords import COMMON_PASSWORDS
from svc.auth.domain import SessionView, check_password
from svc.auth.passwords import Passwords
from svc.auth.store.models import User

USERS_ORDER = "users.created"

Role = Literal["customer", "seller", "support", "admin"]
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", required=False, max_length=32)]


class InvalidVersion(Refusal):
    """If-Match is not a version this service gave out."""

    code = "invalid_version"
    kind = Kind.INVALID


class Profile(msgspec.Struct, frozen=True):
    id: UUID
    email: str
    name: str
    roles: list[str]
    status: str
    version: int
    created_at: datetime


class ProfileEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name


class UserEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=4)] | None = None
    status: Literal["active", "disabled"] | None = None


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    current_password: Password
    new_password: Password


class SessionsEnded(msgspec.Struct, frozen=True):
    sessions_ended: int


class Sessions(msgspec.Struct, frozen=True):
    items: list[SessionView]
    current: UUID | None


class AccountController(Controller):
    path = "/api/v1/auth"
    tags = ("account",)
    guards = (requires_user,)

    @get("/me")
    async def me(self, principal: NamedDependency[Principal], database: NamedDependency[Database]) -> Response[Profile]:
        """Who the token says one is, as of now; 401 session_ended when the session is over."""
        async with database.begin_orm() as uow:
            user = await handlers.show_user(uow, user_id_of(principal))
            await handlers.require_session(uow, user.id, session_id_of(principal))
        return _tagged(user)

    @patch("/me")
    async def edit_me(
        self,
        data: JSONBody[ProfileEdit],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        if_match: IfMatch = None,
    ) -> Response[Profile]:
        """Change one's own name; 412 when If-Match names an older version."""
        async with database.begin_orm() as uow:
            user = await handlers.edit_profile(
                uow, user_id_of(principal), name=data.name, seen_version=_version(if_match)
            )
        return _tagged(user)

    @delete("/me")
    async def erase_me(self, principal: NamedDependency[Principal], database: NamedDependency[Database]) -> None:
        """Erase one's account for good; 409 last_admin when nobody else is an admin."""
        async with database.begin() as uow:
            await handlers.erase(uow, user_id_of(principal))

    @post("/password", status_code=200)
    async def change_password(
        self,
        data: JSONBody[PasswordChange],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
    ) -> SessionsEnded:
        """Needs the current password; ends every other session."""
        user_id = user_id_of(principal)
        current = await require_password(database, passwords, user_id, data.current_password)
        check_password(data.new_password, email=current.account.email, common=COMMON_PASSWORDS)
        password_hash = await passwords.hash(data.new_password)
        async with database.begin() as uow:
            ended = await handlers.change_password(
                uow, user_id, password_hash=password_hash, session_id=session_id_of(principal)
            )
        return SessionsEnded(ended)

    @post("/logout-everywhere", status_code=200)
    async def logout_everywhere(
        self, principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> SessionsEnded:
        """End all of one's sessions, this one too."""
        async with database.begin() as uow:
            return SessionsEnded(await handlers.end_all_sessions(uow, user_id_of(principal)))

    @get("/sessions")
    async def list_sessions(
        self, principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> Sessions:
        """One's open sessions, at most fifty."""
        async with database.begin() as uow:
            items = await handlers.open_sessions(uow, user_id_of(principal))
        return Sessions(items, session_id_of(principal))

    @delete("/sessions/{session_id:uuid}")
    async def end_session(
        self, session_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> None:
        """End one of one's sessions; a foreign one is unknown."""
        async with database.begin() as uow:
            await handlers.end_session(uow, user_id_of(principal), session_id)


class UsersController(Controller):
    path = "/api/v1/users"
    tags = ("users",)

    @get("/", guards=(requires_role("admin", "support"),))
    async def list_users(
        self,
        database: NamedDependency[Database],
        limit: PageLimit = None,
        cursor: Annotated[str | None, QueryParameter(max_length=512, required=False)] = None,
    ) -> Page[Profile]:
        """All users but the erased, oldest first."""
        size = page_size(limit)
        after = decode_cursor(cursor, USERS_ORDER, tuple[datetime, UUID]) if cursor else None
        async with database.begin_orm() as uow:
            rows = await handlers.list_users(uow, after=after, limit=size)
        return make_page(
            [profile_of(user) for user in rows], size, order=USERS_ORDER, key=lambda user: (user.created_at, user.id)
        )

    @get("/{user_id:uuid}", guards=(requires_role("admin", "support"),))
    async def show_user(self, user_id: FromPath[UUID], database: NamedDependency[Database]) -> Response[Profile]:
        """One user, with the version to edit it by."""
        async with database.begin_orm() as uow:
            return _tagged(await handlers.show_user(uow, user_id))

    @patch("/{user_id:uuid}", guards=(requires_role("admin"),))
    async def edit_user(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[UserEdit],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        if_match: IfMatch = None,
    ) -> Response[Profile]:
        """Change roles or status; the user's sessions end.

        412 when If-Match names an older version; 409 last_admin when nobody else would be an admin.
        """
        async with database.begin_orm() as uow:
            user = await handlers.edit_user(
                uow,
                user_id,
                roles=list(data.roles) if data.roles is not None else None,
                status=data.status,
                seen_version=_version(if_match),
                actor=principal.subject,
            )
        return _tagged(user)


def _version(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    digits = if_match.removeprefix("W/").strip('"')
    if not digits.isdecimal():
        raise InvalidVersion("If-Match carries the ETag of the answer you saw")
    return int(digits)


def profile_of(user: User) -> Profile:
    """What of a user is shown."""
    return Profile(user.id, user.email, user.name, list(user.roles), user.status, user.version, user.created_at)


def _tagged(user: User) -> Response[Profile]:
    return Response(profile_of(user), headers={"ETag": etag(user.version), "Cache-Control": "no-store"})
