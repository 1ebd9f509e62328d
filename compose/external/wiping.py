"""Takes what a shop made in engines of somebody else out of them again: its databases, roles, topics and indexes.

Nothing else there is touched; Redis keeps what was written, which runs out by itself or is the operator's to flush.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from compose.external import postgres
from compose.external.findings import LOOK_SECONDS_MAX
from compose.operator_error import OperatorError

INDEXES: Final = "products*"


async def wipe(urls: Mapping[str, str], *, roles: Mapping[str, str], topics: Sequence[str]) -> None:
    """Drop all of it where it is there; nothing at all when no role there has a password of ours.

    Raises OperatorError `external.not_wiped` for an engine that is away.
    """
    import aiohttp  # noqa: PLC0415 -- 0.2 s to import
    import asyncpg  # noqa: PLC0415 -- the same
    from aiokafka.errors import KafkaError  # noqa: PLC0415 -- the same

    try:
        if not await _drop_databases(urls["postgres"], roles):
            return
        await _delete_topics(urls["kafka_bootstrap"], topics)
        await _delete_indexes(urls["elasticsearch"])
    except (OSError, TimeoutError, KafkaError, aiohttp.ClientError, asyncpg.PostgresError) as error:
        raise OperatorError(
            "external.not_wiped",
            f"What the shop made in the external engines could not all be taken out: {error}.",
            mend="Once they all answer, again: shopctl down --wipe.",
        ) from error


async def _drop_databases(url: str, roles: Mapping[str, str]) -> bool:
    import asyncpg  # noqa: PLC0415 -- 0.14 s to import

    connection = await asyncpg.connect(url, timeout=LOOK_SECONDS_MAX)
    try:
        rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", list(roles))
        present = [str(row["rolname"]) for row in rows]
        ours = [name for name in present if await postgres.logs_in(url, name, roles[name])]
        for name in ours:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for name in ours:
            await connection.execute(f'DROP ROLE "{name}"')
        return bool(ours)
    finally:
        await connection.close(timeout=LOOK_SECONDS_MAX)


async def _delete_topics(bootstrap: str, topics: Sequence[str]) -> None:
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 -- 0.2 s to import

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(LOOK_SECONDS_MAX * 1_000))
    try:
        async with asyncio.timeout(3 * LOOK_SECONDS_MAX):
            await admin.start()
            present = set(await admin.list_topics())
            if ours := [topic for topic in topics if topic in present]:
                await admin.delete_topics(ours)
    finally:
        await admin.close()


async def _delete_indexes(url: str) -> None:
    import aiohttp  # noqa: PLC0415 -- 0.2 s to import

    base = urlsplit(url)._replace(path="", query="").geturl()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LOOK_SECONDS_MAX)) as http:
        async with http.get(f"{base}/_cat/indices/{INDEXES}?format=json&h=index") as answer:
            names = [str(row["index"]) for row in await answer.json(content_type=None)]
        for name in names:  # by name: a server may refuse to delete by pattern
            async with http.delete(f"{base}/{name}") as answer:
                answer.raise_for_status()
