"""Planted: processes queue for a SKU by tickets in Redis that never run out; a dead process's stays at the head."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.locked_batcher import LockedBatcher
from shared.database import Database
from shared.redis_lock import LockBusy
from shared.settings import ServiceSettings
from svc.inventory.batcher import ReservationBatcher, ReserveBatch
from svc.inventory.domain import Hold, HoldRequest, InsufficientStock

CARD = DefectCard(
    id="lock-without-ttl",
    title="A lock outlives its holder",
    parts=("inventory.batcher",),
    root_cause=(
        "Processes take turns at a SKU by a fair lock in Redis: a queue of tickets without a time to live, let go a "
        "moment after the work. A process that is killed leaves its ticket behind. It comes to the head, nobody takes "
        "it away, and whoever waits too long behind it is told that the SKU is sold out."
    ),
    caught_by=("INV-03", "INV-24"),
    exposed_by="A process that is killed while it sells or waits for its turn.",
    symptoms=(
        "One SKU is frozen from one moment on: no holds, no errors, every buyer told 'sold out' after the same pause, "
        "and units on the shelf. A restart does not help."
    ),
    fix=(
        "Every lock and every ticket runs out by itself, and who cannot get it says 'busy', not 'sold out'; better, "
        "let the row lock decide, which ends with its connection."
    ),
    origin="Redisson RFairLock, issues 1104, 3166 and 4929: entries of dead threads keep the queue.",
)

PATIENCE_S = 1.2
POLL_S = 0.004
LINGER_S = 0.3
"""A process keeps its turn so long in case more buyers come; one that sells is hardly ever without a ticket."""


class QueueingBatcher(LockedBatcher):
    """Waits for its turn behind whoever is dead."""

    def __init__(self, database: Database, reserve_batch: ReserveBatch) -> None:
        super().__init__(database, reserve_batch)
        self._lingering: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let go of every turn."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._lingering)
        await super().close()

    def locked(self, sku: str) -> AbstractAsyncContextManager[object]:
        """A turn at a SKU."""
        return self._turn(f"{self.settings.prefix}stock-queue:{sku}")

    async def sold(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        """The batch as the healthy service serves it."""
        async with self._database.begin() as uow:
            return await self._reserve_batch(uow, requests)

    async def _reserved_once(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        try:
            return await super()._reserved_once(requests)
        except LockBusy:
            return [_sold_out(request) for request in requests]

    @asynccontextmanager
    async def _turn(self, queue: str) -> AsyncGenerator[None]:
        ticket = uuid4().hex
        await self.redis.rpush(queue, ticket)
        try:
            await self._wait_at(queue, ticket)
            yield
        finally:
            letting_go = asyncio.create_task(self._let_go(queue, ticket))
            self._lingering.add(letting_go)
            letting_go.add_done_callback(self._lingering.discard)

    async def _wait_at(self, queue: str, ticket: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await self.redis.lindex(queue, 0) != ticket.encode():
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise LockBusy(f"{queue} does not get on") from error

    async def _let_go(self, queue: str, ticket: str) -> None:
        await asyncio.sleep(LINGER_S)
        await self.redis.lrem(queue, 1, ticket)


def twin(_healthy: type[ReservationBatcher], told: ServiceSettings) -> type[ReservationBatcher]:
    """The batcher of this process."""

    class Told(QueueingBatcher):
        settings = told

    return Told


def _sold_out(request: HoldRequest) -> Exception:
    line = request.lines[0]
    return InsufficientStock(f"only 0 of {line.sku} left", sku=line.sku, requested=line.quantity, available=0)


TWINS: Twins = {"inventory.batcher": twin}
