"""How a session goes on and how it ends."""

from collections.abc import Sequence
from uuid import UUID

from redis.asyncio import Redis

from shared.clock import Clock
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import OpenedSession, SessionEnded, SessionView, UnknownSession
from svc.auth.settings import ACCESS_TTL_S_MAX
from svc.auth.store import security_events, sessions

REVOKED_KEY = "auth:revoked"
"""Redis sorted set, session id → when it was announced (epoch seconds); the gateway reads it twice a second."""

ANNOUNCEMENT_KEPT_S = ACCESS_TTL_S_MAX + 60


async def refresh(uow: UnitOfWork, token: str) -> OpenedSession | None:
    """Exchange a refresh token for its only successor; None when it is worth nothing.

    A token that was used before ends its session: either a thief or the owner holds a copy, and nobody can tell which.
    Of two parallel uses at most one gets a successor, and the other one then ends the session.
    """
    presented = await sessions.present(uow.connection, token)
    if presented is None or not presented.alive:
        return None
    if presented.used:
        await sessions.revoke(uow.connection, presented.session_id, "refresh_reused")
        await security_events.record(
            uow.connection, "refresh_reused", presented.account.user_id, f"session={presented.session_id}"
        )
        return None
    successor = sessions.new_refresh_token()
    await sessions.rotate(uow.connection, presented.session_id, old=token, new=successor)
    return OpenedSession(presented.session_id, presented.account, successor)


async def require_session(uow: UnitOfWork, user_id: UUID, session_id: UUID | None) -> None:
    """Raises `SessionEnded` unless the session still lives, whatever its access token says."""
    if session_id is None or not await sessions.is_alive(uow.connection, session_id, user_id):
        raise SessionEnded("this session has ended; sign in again")


async def open_sessions(uow: UnitOfWork, user_id: UUID) -> list[SessionView]:
    """A person's open sessions, the latest used first."""
    return await sessions.list_alive(uow.connection, user_id)


async def end_session(uow: UnitOfWork, user_id: UUID, session_id: UUID) -> None:
    """Log out of one's own session; repeating it changes nothing. Raises `UnknownSession` for a foreign one."""
    if not await sessions.owned(uow.connection, session_id, user_id):
        raise UnknownSession("there is no such session")
    if await sessions.revoke(uow.connection, session_id, "logout"):
        await security_events.record(uow.connection, "logout", user_id, f"session={session_id}")


async def end_all_sessions(uow: UnitOfWork, user_id: UUID) -> int:
    """Log out everywhere; returns how many sessions ended."""
    ended = await sessions.revoke_all(uow.connection, user_id, "logout_everywhere")
    await security_events.record(uow.connection, "logout_everywhere", user_id, f"sessions_ended={ended}")
    return ended


async def announce_revocations(ended: Sequence[UUID], redis: Redis, prefix: str, *, clock: Clock) -> None:
    """Tell the gateways which sessions ended; telling it twice changes nothing. Belongs outside of any transaction."""
    now = clock.now().timestamp()
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.zadd(prefix + REVOKED_KEY, {str(session_id): now for session_id in ended})
        pipeline.zremrangebyscore(prefix + REVOKED_KEY, "-inf", now - ANNOUNCEMENT_KEPT_S)
        await pipeline.execute()
