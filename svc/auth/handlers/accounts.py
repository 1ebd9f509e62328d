"""How an account begins, changes its password, and ends."""

from uuid import UUID

from shared.contracts.auth import UserDeleted, UserRegistered
from shared.one_time_tokens import TokenGone
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import UnknownUser
from svc.auth.handlers.credentials import credentials_changed
from svc.auth.handlers.editing import keep_an_admin
from svc.auth.store import api_keys, attempts, letter_requests, second_factors, security_events, sessions, users
from svc.auth.store.letter_requests import Registration

EVENTS_AT_BIRTH = 2
"""The registration was asked for, and its address proven."""


async def confirm_registration(uow: UnitOfWork, user_id: UUID) -> Registration:
    """The address is proven: a new customer, whose id was the registration's. Raises `TokenGone`, `EmailTaken`."""
    registration = await letter_requests.take_registration(uow.connection, user_id)
    if registration is None:
        raise TokenGone("register again for a new letter")
    await users.insert(
        uow.connection,
        user_id,
        email=registration.email,
        name=registration.name,
        password_hash=registration.password_hash,
        events=EVENTS_AT_BIRTH,
    )
    await security_events.record(uow.connection, "registered", user_id)
    event = UserRegistered(user_id=user_id, email=registration.email, name=registration.name)
    uow.publish(event, aggregate_id=user_id, aggregate_version=EVENTS_AT_BIRTH)
    return registration


async def change_password(uow: UnitOfWork, user_id: UUID, *, password_hash: str, session_id: UUID | None) -> int:
    """Set the new hash and end every other session; returns how many ended. Raises `UnknownUser`."""
    return await _set_password(uow, user_id, "password_changed", password_hash=password_hash, but=session_id)


async def resettable(uow: UnitOfWork, request_id: UUID) -> str:
    """The address whose password a letter may reset; uses nothing up. Raises `TokenGone`."""
    email = await letter_requests.reset_address(uow.connection, request_id)
    if email is None:
        raise TokenGone("ask for a new letter")
    return email


async def reset_password(uow: UnitOfWork, request_id: UUID, *, password_hash: str) -> int:
    """Set the new hash by the only use of a letter and end every session and API key; returns how many sessions did.

    Whoever had the account until then has nothing left. The second factor stays: a mailbox is not enough to get around
    it. Raises `TokenGone`.
    """
    user_id = await letter_requests.take_reset(uow.connection, request_id)
    if user_id is None:
        raise TokenGone("ask for a new letter")
    await api_keys.revoke_all(uow.connection, user_id, "password_reset")
    return await _set_password(uow, user_id, "password_reset", password_hash=password_hash)


async def erase(uow: UnitOfWork, user_id: UUID) -> None:
    """Forget the person; the id stays, so that orders keep their owner. Raises `UnknownUser`, `LastAdmin`."""
    await keep_an_admin(uow, user_id)
    erased = await users.erase(uow.connection, user_id)
    if erased is None:
        raise UnknownUser("there is no such user")
    email, events = erased
    await attempts.forget_addresses(uow.connection, user_id)
    await second_factors.remove(uow.connection, user_id)
    await letter_requests.forget(uow.connection, user_id, email)
    await sessions.forget_places(uow.connection, user_id)
    await sessions.revoke_all(uow.connection, user_id, "erased")
    await api_keys.forget_names(uow.connection, user_id)
    await api_keys.revoke_all(uow.connection, user_id, "erased")
    await security_events.record(uow.connection, "erased", user_id)
    uow.publish(UserDeleted(user_id=user_id), aggregate_id=user_id, aggregate_version=events)


async def _set_password(
    uow: UnitOfWork, user_id: UUID, change: str, *, password_hash: str, but: UUID | None = None
) -> int:
    if not await users.set_password(uow.connection, user_id, password_hash):
        raise UnknownUser("there is no such user")
    await letter_requests.withdraw_resets(uow.connection, user_id)
    ended = await sessions.revoke_all(uow.connection, user_id, change, but=but)
    await credentials_changed(uow, user_id, change, f"sessions_ended={ended}")
    return ended
