"""A consumer and a relay of the library alone, on the real broker and a database that has its tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from shared.contracts import Envelope
from shared.contracts.auth import UserDeleted
from shared.database import Database
from shared.kafka_consumer import ConsumerRunner
from shared.unit_of_work import UnitOfWork
from tests.support.engines import EngineUrls
from tests.support.services import opened_database, publish, topics

SERVICE = "inventory"
Applied = Envelope[UserDeleted]


@dataclass
class Bench:
    """What a test of the runner holds; `react` is what its handler does with each event before noting it."""

    engines: EngineUrls
    prefix: str
    database: Database
    runner: ConsumerRunner
    react: Callable[[Applied], Awaitable[None]]
    uow: UnitOfWork | None = None
    versions: list[int] = field(default_factory=list)

    async def publish(self, *events: Applied) -> None:
        await publish(self.engines, self.prefix, *events)

    async def reasons(self) -> list[tuple[str | None, str]]:
        """Aggregate and reason of every dead letter."""
        async with self.database.acquire() as connection:
            return [tuple(row) for row in await connection.fetch("SELECT aggregate_id, reason FROM dead_letters")]

    async def letters(self) -> list[tuple[int, bool]]:
        """The open dead letters, by aggregate version as told, and whether each was only parked."""
        async with self.database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT convert_from(payload, 'UTF8')::json ->> 'aggregate_version' AS version, parked "
                "FROM dead_letters WHERE redriven_at IS NULL ORDER BY id"
            )
        return [(int(row["version"]), row["parked"]) for row in rows]


@asynccontextmanager
async def consuming(engines: EngineUrls, prefix: str, *, through: Database | None = None) -> AsyncIterator[Bench]:
    """`through` is the database as the runner sees it, if not as the test does."""

    async def accept(_: Applied) -> None: ...

    async def apply(uow: UnitOfWork, event: Applied) -> None:
        bench.uow = uow
        await bench.react(event)
        uow.after_commit(lambda: bench.versions.append(event.aggregate_version))

    async with topics(engines, prefix), opened_database(engines, SERVICE) as database:
        runner = ConsumerRunner(
            through or database,
            {UserDeleted: apply},
            bootstrap=engines.kafka,
            service=SERVICE,
            instance=f"{SERVICE}-1",
            prefix=prefix,
        )
        bench = Bench(engines, prefix, database, runner, accept)
        task = asyncio.create_task(runner.run())
        try:
            yield bench
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def consumer(engines: EngineUrls, prefix: str):  # an async context manager, which each test enters in its own loop
    return consuming(engines, prefix)
