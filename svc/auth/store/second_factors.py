"""The rows of second factors and their recovery codes. A code is stored as its digest and deleted by its only use."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection


class Enrolment(msgspec.Struct, frozen=True):
    """A second factor; until it is confirmed it is asked of nobody."""

    sealed_secret: bytes
    confirmed: bool


async def find(connection: Connection, user_id: UUID) -> Enrolment | None:
    """Locked, so that the secret whose code is looked at is the one that is confirmed."""
    row = await connection.fetchrow(
        "SELECT sealed_secret, confirmed_at IS NOT NULL FROM second_factors WHERE user_id = $1 FOR UPDATE",
        user_id,
    )
    return None if row is None else Enrolment(*row)


async def begin(connection: Connection, user_id: UUID, sealed_secret: bytes) -> bool:
    """Start anew with another secret; False when a confirmed one is there."""
    done = await connection.fetchval(
        "INSERT INTO second_factors AS f (user_id, sealed_secret) VALUES ($1, $2) "
        "ON CONFLICT (user_id) DO UPDATE SET sealed_secret = $2, last_step = 0, created_at = clock_timestamp() "
        "WHERE f.confirmed_at IS NULL RETURNING true",
        user_id,
        sealed_secret,
    )
    return bool(done)


async def confirm(connection: Connection, user_id: UUID) -> bool:
    """From now on it is asked for; False when it was before."""
    done = await connection.fetchval(
        "UPDATE second_factors SET confirmed_at = clock_timestamp() WHERE user_id = $1 AND confirmed_at IS NULL "
        "RETURNING true",
        user_id,
    )
    return bool(done)


async def accept_step(connection: Connection, user_id: UUID, step: int) -> bool:
    """Use a code up: of two uses at once one is accepted, and none of an earlier step after it."""
    done = await connection.fetchval(
        "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2 RETURNING true", user_id, step
    )
    return bool(done)


async def remove(connection: Connection, user_id: UUID) -> None:
    """The factor with its recovery codes."""
    await connection.execute("DELETE FROM second_factors WHERE user_id = $1", user_id)


async def replace_recovery_codes(connection: Connection, user_id: UUID, digests: Sequence[bytes]) -> None:
    """The older ones no longer work."""
    await connection.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await connection.execute(
        "INSERT INTO recovery_codes (user_id, digest) SELECT $1, unnest($2::bytea[])", user_id, list(digests)
    )


async def take_recovery_code(connection: Connection, user_id: UUID, digest: bytes) -> bool:
    """Use a recovery code up; of two uses at once one gets it."""
    done = await connection.fetchval(
        "DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2 RETURNING true", user_id, digest
    )
    return bool(done)


async def recovery_codes_left(connection: Connection, user_id: UUID) -> int:
    return await connection.fetchval("SELECT count(*) FROM recovery_codes WHERE user_id = $1", user_id)
