"""Accounts on the hot path: register, look up, import. Editing goes through the repository in models.py."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from asyncpg import UniqueViolationError

from shared.unit_of_work import Connection
from svc.auth.domain import Account, EmailTaken

ADMINS_LOCK = 7_261_102


class SeedUser(msgspec.Struct, frozen=True):
    """One imported user, ready to be stored."""

    user_id: UUID
    email: str
    name: str
    password_hash: str | None
    roles: tuple[str, ...]


class Credentials(msgspec.Struct, frozen=True):
    account: Account
    password_hash: str | None


class Owner(msgspec.Struct, frozen=True):
    """Who has an address."""

    user_id: UUID
    name: str
    active: bool


async def insert(
    connection: Connection, user_id: UUID, *, email: str, name: str, password_hash: str, events: int
) -> None:
    """A new customer, of whom `events` were published. Raises `EmailTaken`."""
    try:
        await connection.execute(
            "INSERT INTO users (id, email, name, password_hash, events) VALUES ($1, $2, $3, $4, $5)",
            user_id,
            email,
            name,
            password_hash,
            events,
        )
    except UniqueViolationError as error:
        raise EmailTaken("there is an account with this e-mail address") from error


async def owner_of(connection: Connection, email: str) -> Owner | None:
    """The account of an address, disabled ones too."""
    row = await connection.fetchrow("SELECT id, name, status = 'active' FROM users WHERE email = $1", email)
    return None if row is None else Owner(*row)


async def credentials(connection: Connection, email: str) -> Credentials | None:
    """The active account of an address and what its password is checked against."""
    row = await connection.fetchrow(
        "SELECT id, email, roles, password_hash FROM users WHERE email = $1 AND status = 'active'", email
    )
    return None if row is None else Credentials(Account(row["id"], row["email"], tuple(row["roles"])), row[3])


async def credentials_of(connection: Connection, user_id: UUID) -> Credentials | None:
    """The same by id."""
    row = await connection.fetchrow(
        "SELECT id, email, roles, password_hash FROM users WHERE id = $1 AND status = 'active'", user_id
    )
    return None if row is None else Credentials(Account(row["id"], row["email"], tuple(row["roles"])), row[3])


async def accounts(connection: Connection, user_ids: Sequence[UUID]) -> dict[UUID, Account]:
    """The active ones among many ids, in one statement."""
    rows = await connection.fetch(
        "SELECT id, email, roles FROM users WHERE id = ANY($1::uuid[]) AND status = 'active'", user_ids
    )
    return {row["id"]: Account(row["id"], row["email"], tuple(row["roles"])) for row in rows}


async def ids_of(connection: Connection, emails: Sequence[str]) -> dict[str, UUID]:
    """Who has which address, in one statement."""
    rows = await connection.fetch("SELECT email, id FROM users WHERE email = ANY($1::text[])", emails)
    return {row["email"]: row["id"] for row in rows}


async def set_password(connection: Connection, user_id: UUID, password_hash: str) -> bool:
    """Also ends the user's being a seeded one: from here on the hash is theirs alone. False unless active."""
    done = await connection.fetchval(
        "UPDATE users SET password_hash = $2, seeded = false, version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = $1 AND status = 'active' RETURNING true",
        user_id,
        password_hash,
    )
    return bool(done)


async def erase(connection: Connection, user_id: UUID) -> tuple[str, int] | None:
    """Forget the person behind an id: the address they had, and the version of the event that says so."""
    row = await connection.fetchrow(
        """
        UPDATE users SET status = 'erased', email = 'erased-' || id || '@invalid', name = '', password_hash = NULL,
            events = events + 1, version = version + 1, updated_at = clock_timestamp()
        FROM (SELECT id AS known, email AS had FROM users WHERE id = $1 FOR UPDATE) AS before
        WHERE id = known AND status <> 'erased' RETURNING had, events
        """,
        user_id,
    )
    return None if row is None else (row["had"], row["events"])


async def next_event(connection: Connection, user_id: UUID) -> tuple[int, str, str] | None:
    """Count one more event about the user: its version, and to whom it is told (address, name)."""
    row = await connection.fetchrow(
        "UPDATE users SET events = events + 1 WHERE id = $1 AND status <> 'erased' RETURNING events, email, name",
        user_id,
    )
    return None if row is None else (row["events"], row["email"], row["name"])


async def lock(connection: Connection, user_id: UUID) -> None:
    """Whatever else makes something for this user waits until the transaction ends."""
    await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user_id)


async def lock_admins(connection: Connection) -> None:
    """One loss of an admin at a time, over all instances; held until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ADMINS_LOCK)


async def is_last_admin(connection: Connection, user_id: UUID) -> bool:
    """Whether this user is an active admin and the only one; stays so only while the admins are locked."""
    rows = await connection.fetch(
        "SELECT id FROM users WHERE status = 'active' AND 'admin' = ANY(roles) ORDER BY id <> $1 LIMIT 2", user_id
    )
    return [row["id"] for row in rows] == [user_id]


async def import_users(connection: Connection, users: Sequence[SeedUser]) -> int:
    """Store many at once, flagged as seeded; addresses that exist stay as they are. Returns how many are new."""
    rows = await connection.fetch(
        """
        INSERT INTO users (id, email, name, password_hash, roles, seeded)
        SELECT id, email, name, password_hash, string_to_array(roles, ','), true
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
            AS given (id, email, name, password_hash, roles)
        ON CONFLICT DO NOTHING
        RETURNING 1
        """,
        [user.user_id for user in users],
        [user.email for user in users],
        [user.name for user in users],
        [user.password_hash for user in users],
        [",".join(user.roles) for user in users],
    )
    return len(rows)
