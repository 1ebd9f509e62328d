"""Planted: the change is committed, then the event is sent; no outbox between them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.database import Database
from shared.kafka_producer import Message, Producer
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork

CARD = DefectCard(
    id="dual-write",
    title="Commit, then produce",
    parts=("inventory.database",),
    root_cause="State goes to the database and the event straight to the broker; nothing joins the two.",
    caught_by=("INV-13",),
    exposed_by="A kill between the two, or a broker that is away at that moment.",
    symptoms="Some holds are known to inventory alone; nobody can say how many.",
    fix="Store the event in an outbox row within the transaction, and let a relay send it until it is acknowledged.",
    origin="The dual-write problem of every shop that met a broker.",
)


class _Unwritten(UnitOfWork):
    """Keeps its events to itself at the commit."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.messages: list[Message] = []

    async def flush(self) -> None:
        events, self._events = self._events, []
        await super().flush()
        self.messages = [Message(topic, subject, payload.encode()) for _, topic, _, subject, _, payload in events]


def twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A database whose transactions produce after their commit."""
    database: type[Database] = healthy

    class Producing(database):
        """Two writes, one after the other."""

        def __init__(self, url: str, application: str, **options: Any) -> None:
            super().__init__(url, application, **options)
            self._sender = Producer(
                settings.kafka_bootstrap, client_id=f"{settings.instance}-direct", prefix=settings.prefix
            )

        async def close(self) -> None:
            await self._sender.close()
            await super().close()

        @asynccontextmanager
        async def begin(self) -> AsyncGenerator[UnitOfWork]:
            async with self.acquire() as connection, connection.transaction():
                uow = _Unwritten(connection)
                yield uow
                await uow.flush()
            uow.committed()
            if uow.messages:
                await self._sender.send(uow.messages)

    return Producing


TWINS: Twins = {"inventory.database": twin}
