"""API keys: found by their prefix, compared by digest. The key itself is shown once and stored nowhere."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.auth.domain import API_KEY_MARK, API_KEYS_PER_USER_MAX, RECOVERY_ALPHABET, Account, ApiKeyView

PREFIX_CHARACTERS = 12
_NO_DIGEST = bytes(32)

_VIEW = "id, name, prefix, scopes, created_at, expires_at, last_used_at"
_LIVE = "revoked_at IS NULL AND expires_at > clock_timestamp()"


class NewKey(msgspec.Struct, frozen=True):
    """A key about to be shown: 60 bits to find it by, 256 bits to prove it by."""

    prefix: str
    secret: str

    @property
    def text(self) -> str:
        return f"{API_KEY_MARK}{self.prefix}_{self.secret}"


class LiveKey(msgspec.Struct, frozen=True):
    """A key that works, and on whose behalf."""

    id: UUID
    account: Account
    scopes: tuple[str, ...]
    expires_at: datetime


def new_key() -> NewKey:
    prefix = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(PREFIX_CHARACTERS))
    return NewKey(prefix, secrets.token_urlsafe(32))


async def insert(
    connection: Connection, key_id: UUID, user_id: UUID, key: NewKey, *, name: str, scopes: Sequence[str], ttl_s: float
) -> ApiKeyView:
    row = await connection.fetchrow(
        "INSERT INTO api_keys (id, user_id, name, prefix, digest, scopes, expires_at) "  # noqa: S608 constants
        f"VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)) RETURNING {_VIEW}",
        key_id,
        user_id,
        name,
        key.prefix,
        _digest(key.secret),
        list(scopes),
        ttl_s,
    )
    assert row is not None
    return ApiKeyView(**dict(row))


async def count_live(connection: Connection, user_id: UUID) -> int:
    return await connection.fetchval(f"SELECT count(*) FROM api_keys WHERE user_id = $1 AND {_LIVE}", user_id)  # noqa: S608 constants


async def list_live(connection: Connection, user_id: UUID) -> list[ApiKeyView]:
    """A person's keys that work, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_VIEW} FROM api_keys WHERE user_id = $1 AND {_LIVE} ORDER BY id DESC LIMIT $2",  # noqa: S608 constants
        user_id,
        API_KEYS_PER_USER_MAX,
    )
    return [ApiKeyView(**dict(row)) for row in rows]


async def find(connection: Connection, text: str) -> LiveKey | None:
    """The live key of an active owner that is exactly this text; an unknown prefix is compared, too."""
    prefix, _, secret = text.removeprefix(API_KEY_MARK).partition("_")
    row = await connection.fetchrow(
        "SELECT k.id, k.digest, k.scopes, k.expires_at, u.id AS user_id, u.email, u.roles "
        "FROM api_keys k JOIN users u ON u.id = k.user_id "
        "WHERE k.prefix = $1 AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp() AND u.status = 'active'",
        prefix,
    )
    matches = hmac.compare_digest(_digest(secret), _NO_DIGEST if row is None else row["digest"])
    if row is None or not matches:
        return None
    account = Account(row["user_id"], row["email"], tuple(row["roles"]))
    return LiveKey(row["id"], account, tuple(row["scopes"]), row["expires_at"])


async def note_use(connection: Connection, key_id: UUID) -> None:
    """When it was last used, to the minute."""
    await connection.execute(
        "UPDATE api_keys SET last_used_at = clock_timestamp() WHERE id = $1 "
        "AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')",
        key_id,
    )


async def owned(connection: Connection, key_id: UUID, user_id: UUID) -> bool:
    return bool(await connection.fetchval("SELECT true FROM api_keys WHERE id = $1 AND user_id = $2", key_id, user_id))


async def revoke(connection: Connection, key_id: UUID, reason: str) -> bool:
    """End one key; False when it had ended before."""
    done = await connection.fetchval(
        "UPDATE api_keys SET revoked_at = clock_timestamp(), revoke_reason = $2 "
        "WHERE id = $1 AND revoked_at IS NULL RETURNING true",
        key_id,
        reason,
    )
    return bool(done)


async def revoke_all(connection: Connection, user_id: UUID, reason: str) -> int:
    """End every key of a user."""
    rows = await connection.fetch(
        "UPDATE api_keys SET revoked_at = clock_timestamp(), revoke_reason = $2 "
        "WHERE user_id = $1 AND revoked_at IS NULL RETURNING 1",
        user_id,
        reason,
    )
    return len(rows)


async def forget_names(connection: Connection, user_id: UUID) -> None:
    """What a person called them, who is erased."""
    await connection.execute("UPDATE api_keys SET name = '' WHERE user_id = $1", user_id)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
