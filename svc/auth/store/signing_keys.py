"""The rows of the signing keys; private halves are sealed before they come here."""

from datetime import datetime

import msgspec

from shared.unit_of_work import Connection

ROTATION_LOCK = 7_261_101
KEYS_MAX = 16


class StoredKey(msgspec.Struct, frozen=True):
    kid: str
    public_key: bytes
    sealed_private_key: bytes
    active_from: datetime


async def lock(connection: Connection) -> None:
    """One rotation at a time, over all instances."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ROTATION_LOCK)


async def newest_first(connection: Connection) -> list[StoredKey]:
    rows = await connection.fetch(
        "SELECT kid, public_key, sealed_private_key, active_from FROM signing_keys ORDER BY active_from DESC LIMIT $1",
        KEYS_MAX,
    )
    return [StoredKey(**dict(row)) for row in rows]


async def insert(connection: Connection, key: StoredKey) -> None:
    await connection.execute(
        "INSERT INTO signing_keys (kid, public_key, sealed_private_key, active_from) VALUES ($1, $2, $3, $4)",
        key.kid,
        key.public_key,
        key.sealed_private_key,
        key.active_from,
    )


async def delete(connection: Connection, kids: list[str]) -> None:
    await connection.execute("DELETE FROM signing_keys WHERE kid = ANY($1::text[])", kids)
