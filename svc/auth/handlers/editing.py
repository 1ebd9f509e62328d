"""People's accounts as people edit them: profile by its owner, roles and status by an admin; guarded by version."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm.exc import StaleDataError

from shared.unit_of_work import OrmUnitOfWork, UnitOfWork
from svc.auth.domain import LastAdmin, UnknownUser, UserChanged
from svc.auth.store import api_keys, security_events, sessions, users
from svc.auth.store.models import User, UserRepository


async def show_user(uow: OrmUnitOfWork, user_id: UUID) -> User:
    """Raises `UnknownUser`, also for an erased one."""
    user = await UserRepository(session=uow.session).get_one_or_none(id=user_id)
    if user is None or user.status == "erased":
        raise UnknownUser("there is no such user")
    return user


async def list_users(uow: OrmUnitOfWork, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[User]:
    """Up to `limit` + 1 users, oldest first, behind the given position."""
    statement = select(User).where(User.status != "erased").order_by(User.created_at, User.id).limit(limit + 1)
    if after is not None:
        statement = statement.where(tuple_(User.created_at, User.id) > tuple_(*after))
    rows = cast("Any", statement)  # the repository spells SQLAlchemy 2.0's Select[tuple[User]]
    return await UserRepository(session=uow.session).get_many(statement=rows)


async def edit_profile(uow: OrmUnitOfWork, user_id: UUID, *, name: str, seen_version: int | None) -> User:
    """Raises `UnknownUser`, `UserChanged`."""
    user = await _seen(uow, user_id, seen_version)
    user.name = name
    return await _save(uow, user)


async def edit_user(
    uow: OrmUnitOfWork,
    user_id: UUID,
    *,
    roles: list[str] | None,
    status: str | None,
    seen_version: int | None,
    actor: str,
) -> User:
    """Change what a user may do; their sessions end, so that it holds at once, and with lost rights their API keys.

    Raises `UnknownUser`, `UserChanged`, `LastAdmin`.
    """
    if status == "disabled" or (roles is not None and "admin" not in roles):
        await keep_an_admin(uow, user_id)
    user = await _seen(uow, user_id, seen_version)
    before = f"{','.join(user.roles)}/{user.status}"
    loses = status == "disabled" or (roles is not None and not set(user.roles) <= set(roles))
    if roles is not None:
        user.roles = sorted(set(roles))
    if status is not None:
        user.status = status
    user = await _save(uow, user)
    await sessions.revoke_all(uow.connection, user_id, "rights_changed")
    if loses:
        await api_keys.revoke_all(uow.connection, user_id, "rights_changed")
    await security_events.record(
        uow.connection, "rights_changed", user_id, f"by={actor} from={before} to={','.join(user.roles)}/{user.status}"
    )
    return user


async def keep_an_admin(uow: UnitOfWork, user_id: UUID) -> None:
    """Call before a user stops being an admin: of admins who demote each other at once one stays. Raises `LastAdmin`.

    Comes before any row is locked, so that two of them never wait for each other in a circle.
    """
    await users.lock_admins(uow.connection)
    if await users.is_last_admin(uow.connection, user_id):
        raise LastAdmin("this is the last admin; make somebody else one first")


async def _seen(uow: OrmUnitOfWork, user_id: UUID, seen_version: int | None) -> User:
    user = await show_user(uow, user_id)
    if seen_version is not None and seen_version != user.version:
        raise UserChanged("the user was changed meanwhile", version=user.version)
    return user


async def _save(uow: OrmUnitOfWork, user: User) -> User:
    user.updated_at = datetime.now(UTC)
    try:
        return await UserRepository(session=uow.session).update(user)
    except StaleDataError as error:
        raise UserChanged("the user was changed meanwhile") from error
