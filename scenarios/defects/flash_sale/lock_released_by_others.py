"""Planted: a lock without an owner's token, which whoever is late deletes from under the next holder."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.locked_batcher import LockedBatcher
from shared.database import Database
from shared.settings import ServiceSettings
from svc.inventory.batcher import ReservationBatcher, ReserveBatch

CARD = DefectCard(
    id="lock-released-by-others",
    title="A lock is released by who does not hold it",
    parts=("inventory.batcher",),
    root_cause=(
        "The lock is a key that its holder deletes when done, without a look at whose it is. A batch that outlives the "
        "time to live deletes the lock of its successor, the one after that comes in beside it, and so on."
    ),
    caught_by=("INV-02",),
    exposed_by="Two inventory processes and a batch now and then that is slower than the time to live.",
    symptoms="One slow query, then a series of double sales; every log line says 'lock acquired … lock released'.",
    fix="Release by compare-and-delete with a random token; and let the database decide, not the lock.",
    origin="Redis documentation, SET: the pattern 'delete only if the value is mine'.",
)

TTL_MS = 120
POLL_S = 0.004
THINKING_TIME_S = 0.03
SLOW_THINKING_TIME_S = 0.2
SLOW_EVERY = 2


def twin(_healthy: type[ReservationBatcher], told: ServiceSettings) -> type[ReservationBatcher]:
    """A batcher that deletes whatever lock is there when it is done."""

    class CarelessBatcher(LockedBatcher):
        settings = told

        def __init__(self, database: Database, reserve_batch: ReserveBatch) -> None:
            super().__init__(database, reserve_batch)
            self._batches = itertools.count(1)

        def locked(self, sku: str) -> AbstractAsyncContextManager[object]:
            return self._key_held(f"{told.prefix}stock-lock:{sku}")

        def thinking_time_s(self) -> float:
            return THINKING_TIME_S if next(self._batches) % SLOW_EVERY else SLOW_THINKING_TIME_S

        @asynccontextmanager
        async def _key_held(self, key: str) -> AsyncGenerator[None]:
            while not await self.redis.set(key, "locked", nx=True, px=TTL_MS):
                await asyncio.sleep(POLL_S)
            try:
                yield
            finally:
                await self.redis.delete(key)

    return CarelessBatcher


TWINS: Twins = {"inventory.batcher": twin}
