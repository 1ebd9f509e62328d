"""How an account begins, changes its password, and ends."""

from uuid import UUID

from shared.contracts.auth import UserDeleted, UserRegistered
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import UnknownUser
from svc.auth.handlers.editing import keep_an_admin
from svc.auth.store import security_events, sessions, users


async def register(uow: UnitOfWork, *, email: str, name: str, password_hash: str) -> UUID:
    """A new customer. Raises `EmailTaken`."""
    user_id = new_id()
    await users.insert(uow.connection, user_id, email=email, name=name, password_hash=password_hash)
    await security_events.record(uow.connection, "registered", user_id)
    uow.publish(UserRegistered(user_id=user_id, email=email, name=name), aggregate_id=user_id, aggregate_version=1)
    return user_id


async def change_password(uow: UnitOfWork, user_id: UUID, *, password_hash: str, session_id: UUID | None) -> int:
    """Set the new hash and end every other session; returns how many ended."""
    await users.set_password(uow.connection, user_id, password_hash)
    ended = await sessions.revoke_all(uow.connection, user_id, "password_changed", but=session_id)
    await security_events.record(uow.connection, "password_changed", user_id, f"sessions_ended={ended}")
    return ended


async def erase(uow: UnitOfWork, user_id: UUID) -> None:
    """Forget the person; the id stays, so that orders keep their owner. Raises `UnknownUser`, `LastAdmin`."""
    await keep_an_admin(uow, user_id)
    events = await uow.connection.fetchval(
        """
        UPDATE users SET status = 'erased', email = 'erased-' || id || '@invalid', name = '', password_hash = NULL,
            events = events + 1, version = version + 1, updated_at = clock_timestamp()
        WHERE id = $1 AND status <> 'erased' RETURNING events
        """,
        user_id,
    )
    if events is None:
        raise UnknownUser("there is no such user")
    await uow.connection.execute("DELETE FROM known_addresses WHERE user_id = $1", user_id)
    await uow.connection.execute("UPDATE sessions SET address = '', agent = '' WHERE user_id = $1", user_id)
    await sessions.revoke_all(uow.connection, user_id, "erased")
    await security_events.record(uow.connection, "erased", user_id)
    uow.publish(UserDeleted(user_id=user_id), aggregate_id=user_id, aggregate_version=events)
