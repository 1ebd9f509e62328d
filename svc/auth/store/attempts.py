"""Login back-off: how often a scope failed lately and until when it must wait.

An account has one scope for addresses it was never used from and one for each it was, so that a stranger's guessing
never keeps the owner out of their usual place.
"""

import hashlib
from uuid import UUID

from shared.unit_of_work import Connection

KNOWN_ADDRESSES_MAX = 10
_CODE = "code:"

# counting and refusing are one statement: of 200 guesses at once no more than the free ones get through
_COUNT = """
    INSERT INTO login_attempts AS a (scope, attempts, last_at, blocked_until)
    VALUES ($1, 1, clock_timestamp(), clock_timestamp())
    ON CONFLICT (scope) DO UPDATE SET
        attempts = CASE WHEN a.last_at < clock_timestamp() - make_interval(secs => $4) THEN 1 ELSE a.attempts + 1 END,
        last_at = clock_timestamp(),
        blocked_until = clock_timestamp() + make_interval(secs => CASE
            WHEN a.last_at < clock_timestamp() - make_interval(secs => $4) OR a.attempts < $2 THEN 0
            ELSE least($3, power(2.0, least(a.attempts - $2, 20))) END)
    WHERE a.blocked_until <= clock_timestamp()
    RETURNING attempts
"""


def account_scope(email: str, *, known_address: str | None) -> str:
    """The scope of an account, whether it exists or not; the address itself is not stored readably."""
    return hashlib.sha256(f"account\0{email}\0{known_address or ''}".encode()).hexdigest()


def address_scope(address: str) -> str:
    return f"address:{address}"


def code_scope(of: object) -> str:
    """The scope of second-factor codes: of a user who is signed in, or of the scope under which one signs in."""
    return f"{_CODE}{of}"


async def count(connection: Connection, scope: str, *, free: int, wait_s_max: float, forget_s: float) -> bool:
    """Count one attempt; False when the scope must still wait (then nothing is counted)."""
    return await connection.fetchval(_COUNT, scope, free, wait_s_max, forget_s) is not None


async def wait_s(connection: Connection, *scopes: str) -> float:
    """Seconds until all the scopes may try again; 0 when they may now."""
    waiting = await connection.fetchval(
        "SELECT extract(epoch FROM max(blocked_until) - clock_timestamp())::float8 FROM login_attempts "
        "WHERE scope = ANY($1::text[])",
        list(scopes),
    )
    return max(0.0, waiting or 0.0)


async def forgive(connection: Connection, scope: str) -> None:
    """The owner has proved themselves."""
    await connection.execute("DELETE FROM login_attempts WHERE scope = $1", scope)


async def is_known(connection: Connection, email: str, address: str) -> bool:
    """Whether the account was opened from this address before."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM known_addresses k JOIN users u ON u.id = k.user_id WHERE u.email = $1 AND k.address = $2",
            email,
            address,
        )
    )


async def remember_address(connection: Connection, user_id: UUID, address: str) -> None:
    """Keep the latest few addresses an account was opened from."""
    await connection.execute(
        """
        WITH kept AS (
            INSERT INTO known_addresses (user_id, address) VALUES ($1, $2)
            ON CONFLICT (user_id, address) DO UPDATE SET last_used_at = clock_timestamp()
        )
        DELETE FROM known_addresses WHERE user_id = $1 AND address IN (
            SELECT address FROM known_addresses WHERE user_id = $1 AND address <> $2
            ORDER BY last_used_at DESC OFFSET $3
        )
        """,
        user_id,
        address,
        KNOWN_ADDRESSES_MAX - 1,
    )


async def known_addresses(connection: Connection, user_id: UUID) -> list[str]:
    """Where an account was opened from, the latest first."""
    rows = await connection.fetch(
        "SELECT address FROM known_addresses WHERE user_id = $1 ORDER BY last_used_at DESC", user_id
    )
    return [row["address"] for row in rows]


async def forget_addresses(connection: Connection, user_id: UUID) -> None:
    """The person is erased."""
    await connection.execute("DELETE FROM known_addresses WHERE user_id = $1", user_id)


async def prune(connection: Connection, *, forget_s: float, code_forget_s: float) -> None:
    """Forget scopes that were quiet for long enough to start afresh anyway."""
    await connection.execute(
        "DELETE FROM login_attempts WHERE blocked_until < clock_timestamp() AND last_at < clock_timestamp() "
        "- make_interval(secs => CASE WHEN starts_with(scope, $3) THEN $2::float8 ELSE $1::float8 END)",
        forget_s,
        code_forget_s,
        _CODE,
    )
