"""Sessions and API keys that ended, until the gateways were told: both are ids that nobody may come with any more."""

from collections.abc import Sequence
from uuid import UUID

from shared.unit_of_work import Connection

ANNOUNCED_AT_ONCE_MAX = 1_000
_TABLES = ("sessions", "api_keys")


async def unannounced(connection: Connection) -> list[UUID]:
    """What the gateways may not have been told of, the longest waiting first."""
    rows = await connection.fetch(
        """
        SELECT id FROM (
            SELECT id, revoked_at FROM sessions WHERE revoked_at IS NOT NULL AND announced_at IS NULL
            UNION ALL
            SELECT id, revoked_at FROM api_keys WHERE revoked_at IS NOT NULL AND announced_at IS NULL
        ) AS ended ORDER BY revoked_at LIMIT $1
        """,
        ANNOUNCED_AT_ONCE_MAX,
    )
    return [row["id"] for row in rows]


async def mark_announced(connection: Connection, ids: Sequence[UUID]) -> None:
    """The gateways know of them; in the order of ids, so that two markers never wait for each other."""
    for table in _TABLES:
        await connection.execute(
            f"""
            UPDATE {table} SET announced_at = clock_timestamp() WHERE id IN (
                SELECT id FROM {table} WHERE id = ANY($1::uuid[]) AND announced_at IS NULL ORDER BY id FOR UPDATE
            )
            """,  # noqa: S608 constants
            ids,
        )
