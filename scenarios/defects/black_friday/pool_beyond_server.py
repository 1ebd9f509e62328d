"""Planted: every process keeps as many connections as if it were alone."""

from typing import Any, Final

import asyncpg

from scenarios.defects.card import DefectCard, Twins
from shared.database import Database, prepare_connection
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="pool-beyond-server",
    title="The pool of each process is sized for a server of its own",
    parts=("catalog.database",),
    root_cause="The pool was enlarged until the waiting stopped on one machine; processes × pool exceed the server.",
    caught_by=("INV-19",),
    exposed_by="Any load; the more instances, the sooner the server refuses.",
    symptoms="Connections 100 of 100; every service is refused, also those that need only one.",
    fix="Small pools, bounded over all processes by what the server gives; waiting is bounded too.",
    origin="HikariCP, About Pool Sizing; the incident's own review: connections 100/100, 847 waiting.",
)

POOL_SIZE: Final = 24


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A database that keeps many connections open."""
    database: type[Database] = healthy

    class Greedy(database):
        """All of them from the beginning."""

        async def open(self) -> None:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=POOL_SIZE,
                max_size=POOL_SIZE,
                init=prepare_connection,
                server_settings=self._server_settings(),
            )

    return Greedy


TWINS: Twins = {"catalog.database": twin}
