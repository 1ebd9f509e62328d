"""Sessions and the refresh tokens that continue them. A token is stored as its SHA-256 and shown once."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec

from shared.unit_of_work import Connection
from svc.auth.domain import SESSIONS_PER_USER_MAX, Account, SessionView

AGENT_LENGTH_MAX = 200
PRUNED_AT_ONCE_MAX = 2_000
KEPT_AFTER_EXPIRY = timedelta(days=1)
REFRESH_PREFIX = "rt_"


class Presented(msgspec.Struct, frozen=True):
    """A refresh token that was found, locked together with its session."""

    session_id: UUID
    account: Account
    used: bool
    alive: bool


def new_refresh_token() -> str:
    """256 random bits; not a JWT, so that it can never pass as an access token."""
    return REFRESH_PREFIX + secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def open_session(
    connection: Connection, account: Account, token: str, *, address: str, agent: str, ttl_s: float
) -> UUID:
    """A new session under a new, unguessable id; the oldest make room beyond the bound."""
    session_id = uuid4()
    await connection.execute(
        "INSERT INTO sessions (id, user_id, address, agent, expires_at) "
        "VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))",
        session_id,
        account.user_id,
        address,
        agent[:AGENT_LENGTH_MAX],
        ttl_s,
    )
    await _store_token(connection, session_id, token)
    await connection.execute(
        """
        UPDATE sessions SET revoked_at = clock_timestamp(), revoke_reason = 'too_many_sessions'
        WHERE id IN (
            SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL
            ORDER BY last_used_at DESC, id OFFSET $2
        )
        """,
        account.user_id,
        SESSIONS_PER_USER_MAX,
    )
    return session_id


async def issue_sessions(connection: Connection, user_ids: Sequence[UUID], *, ttl_s: float) -> list[UUID]:
    """One session per user without a refresh token, for tokens handed out by the operator; in one statement."""
    ids = [uuid4() for _ in user_ids]
    await connection.execute(
        """
        INSERT INTO sessions (id, user_id, address, agent, expires_at)
        SELECT id, user_id, 'internal', 'operator', clock_timestamp() + make_interval(secs => $3)
        FROM unnest($1::uuid[], $2::uuid[]) AS given (id, user_id)
        """,
        ids,
        user_ids,
        ttl_s,
    )
    return ids


async def present(connection: Connection, token: str) -> Presented | None:
    """Find a refresh token and lock its session, so that of two parallel uses one comes first."""
    row = await connection.fetchrow(
        """
        SELECT s.id, t.used_at IS NOT NULL AS used,
               s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AND u.status = 'active' AS alive,
               u.id AS user_id, u.email, u.roles
        FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
        WHERE t.token_hash = $1
        FOR UPDATE OF t, s
        """,
        _digest(token),
    )
    if row is None:
        return None
    return Presented(
        row["id"], Account(row["user_id"], row["email"], tuple(row["roles"])), used=row["used"], alive=row["alive"]
    )


async def rotate(connection: Connection, session_id: UUID, *, old: str, new: str) -> None:
    """Use up the old token and store its only successor."""
    await connection.execute(
        "UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE token_hash = $1 AND used_at IS NULL", _digest(old)
    )
    await _store_token(connection, session_id, new)
    await connection.execute("UPDATE sessions SET last_used_at = clock_timestamp() WHERE id = $1", session_id)


async def revoke(connection: Connection, session_id: UUID, reason: str) -> bool:
    """End one session; False when it had ended before or never was."""
    done = await connection.fetchval(
        "UPDATE sessions SET revoked_at = clock_timestamp(), revoke_reason = $2 "
        "WHERE id = $1 AND revoked_at IS NULL RETURNING true",
        session_id,
        reason,
    )
    return bool(done)


async def revoke_all(connection: Connection, user_id: UUID, reason: str, *, but: UUID | None = None) -> int:
    """End every session of a user, except the one given."""
    rows = await connection.fetch(
        "UPDATE sessions SET revoked_at = clock_timestamp(), revoke_reason = $2 "
        "WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3 RETURNING 1",
        user_id,
        reason,
        but,
    )
    return len(rows)


async def forget_places(connection: Connection, user_id: UUID) -> None:
    """From where a person signed in, who is erased."""
    await connection.execute("UPDATE sessions SET address = '', agent = '' WHERE user_id = $1", user_id)


async def is_alive(connection: Connection, session_id: UUID, user_id: UUID) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT true FROM sessions WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL "
            "AND expires_at > clock_timestamp()",
            session_id,
            user_id,
        )
    )


async def list_alive(connection: Connection, user_id: UUID) -> list[SessionView]:
    """The open sessions of a user, the latest used first."""
    rows = await connection.fetch(
        "SELECT id, created_at, last_used_at, address, agent FROM sessions WHERE user_id = $1 "
        "AND revoked_at IS NULL AND expires_at > clock_timestamp() ORDER BY last_used_at DESC, id LIMIT $2",
        user_id,
        SESSIONS_PER_USER_MAX,
    )
    return [SessionView(**dict(row)) for row in rows]


async def owned(connection: Connection, session_id: UUID, user_id: UUID) -> bool:
    return bool(
        await connection.fetchval("SELECT true FROM sessions WHERE id = $1 AND user_id = $2", session_id, user_id)
    )


async def prune(connection: Connection) -> int:
    """Forget sessions whose life ended a day ago, with their tokens."""
    rows = await connection.fetch(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < clock_timestamp() - $1::interval "
        "ORDER BY expires_at LIMIT $2) RETURNING 1",
        KEPT_AFTER_EXPIRY,
        PRUNED_AT_ONCE_MAX,
    )
    return len(rows)


async def _store_token(connection: Connection, session_id: UUID, token: str) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id) VALUES ($1, $2)", _digest(token), session_id
    )
