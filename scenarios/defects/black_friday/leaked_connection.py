"""Planted: a diagnosis that begins when the database has become slow, and keeps a connection for each request."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

from scenarios.defects.card import DefectCard, Twins
from shared.database import ACQUIRE_TIMEOUT_S, Database
from shared.settings import ServiceSettings
from shared.unit_of_work import Connection

CARD = DefectCard(
    id="leaked-connection",
    title="A query for the metrics leaks connections once the database was slow",
    parts=("catalog.database", "orders.database"),
    root_cause="A slow database switches a diagnosis on; it takes a connection per request and releases none.",
    caught_by=("INV-20", "INV-26"),
    exposed_by="A database that is slow for a while: the pool is empty when it is over.",
    symptoms="Connections at their maximum, hundreds waiting, no load; only a restart helps.",
    fix="Every connection is taken in a block that gives it back; diagnostics have a connection of their own.",
    origin="The incident's own review: leaked connections from a metrics query.",
)

SLOW_S: Final = 0.25
"""Longer than this is a slow answer to the least there is to ask."""
SLOW_IN_A_ROW: Final = 8
"""A busy machine is slow now and then; that all are is the database."""


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A database whose pool drains once it was slow."""
    database: type[Database] = healthy

    class Leaking(database):
        """What it has leaked stays borrowed."""

        slow_in_a_row = 0
        leaked: ClassVar[list[Connection]] = []
        """Held, or the pool would find them again."""

        @asynccontextmanager
        async def acquire(self) -> AsyncGenerator[Connection]:
            loop = asyncio.get_running_loop()
            if self.slow_in_a_row >= SLOW_IN_A_ROW:
                borrowed = await self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
                self.leaked.append(borrowed)
                await borrowed.fetchval("SELECT count(*) FROM pg_stat_activity")
            async with super().acquire() as connection:
                began = loop.time()
                await connection.fetchval("SELECT 1")
                if self.slow_in_a_row < SLOW_IN_A_ROW:
                    self.slow_in_a_row = self.slow_in_a_row + 1 if loop.time() - began > SLOW_S else 0
                yield connection

    return Leaking


TWINS: Twins = {"catalog.database": twin, "orders.database": twin}
