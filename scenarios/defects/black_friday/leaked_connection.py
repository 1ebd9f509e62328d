"""Planted: a diagnostic query that borrows a connection when the pool is short, and never gives it back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from scenarios.defects.card import DefectCard, Twins
from shared.database import ACQUIRE_TIMEOUT_S, Database
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection

CARD = DefectCard(
    id="leaked-connection",
    title="A query for the metrics leaks connections when the pool is short",
    parts=("catalog.database", "orders.database"),
    root_cause="When a request had to wait for a connection, another one is taken to ask why, and is not released.",
    caught_by=("INV-20", "INV-26"),
    exposed_by="A load under which requests wait for a connection: the pool is empty when it is over.",
    symptoms="Connections at their maximum, hundreds waiting, no load; only a restart helps.",
    fix="Every connection is taken in a block that gives it back; diagnostics have a connection of their own.",
    origin="The incident's own review: leaked connections from a metrics query.",
)

WAITED_S: Final = 0.4
"""Longer than this is short of connections."""


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A database whose pool drains under load."""
    database: type[Database] = healthy

    class Leaking(database):
        """What it has leaked stays borrowed."""

        @asynccontextmanager
        async def acquire(self) -> AsyncGenerator[Connection]:
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with super().acquire() as connection:
                if loop.time() - began > WAITED_S:
                    borrowed = await self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
                    await borrowed.fetchval("SELECT count(*) FROM pg_stat_activity")
                yield connection

    return Leaking


TWINS: Twins = {"catalog.database": twin, "orders.database": twin}
