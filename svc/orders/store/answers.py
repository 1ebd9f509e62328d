"""Stored answers as they are read without claiming their key; everything else is `shared.idempotency`."""

from shared.idempotency import Answer
from shared.unit_of_work import Connection


async def is_known(connection: Connection, scope: str, key: str) -> bool:
    """Whether a key was ever used."""
    return bool(
        await connection.fetchval("SELECT true FROM idempotency_keys WHERE scope = $1 AND key = $2", scope, key)
    )


async def find(connection: Connection, scope: str, key: str) -> Answer | None:
    """The answer of a key, None while there is none."""
    row = await connection.fetchrow(
        "SELECT answer_status, answer_body FROM idempotency_keys "
        "WHERE scope = $1 AND key = $2 AND status = 'completed'",
        scope,
        key,
    )
    return Answer(row["answer_status"], row["answer_body"]) if row is not None else None
