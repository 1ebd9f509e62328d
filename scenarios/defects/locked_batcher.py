"""What the lock twins share: a batcher whose only protection is a lock in Redis, none in the database."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from redis.asyncio import Redis

from scenarios.defects import broken_reserve
from shared.database import Database
from shared.settings import ServiceSettings
from svc.inventory.batcher import ReservationBatcher, ReserveBatch
from svc.inventory.domain import Hold, HoldRequest


class LockedBatcher(ReservationBatcher):
    """Serves a batch under the `locked` SKUs, as a twin understands it, and sells what it read there."""

    settings: ServiceSettings

    def __init__(self, database: Database, reserve_batch: ReserveBatch) -> None:
        super().__init__(database, reserve_batch)
        self.redis: Redis = Redis.from_url(self.settings.redis_url)

    def locked(self, sku: str) -> AbstractAsyncContextManager[object]:
        """The lock of a SKU, held for the block."""
        raise NotImplementedError

    def thinking_time_s(self) -> float:
        """How long a batch takes between reading and writing."""
        raise NotImplementedError

    async def sold(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        """The batch, under its locks: by what is read there, which nothing in the database protects."""
        async with self._database.begin() as uow:
            return await broken_reserve.sell_what_was_read(uow, requests, after_s=self.thinking_time_s())

    async def close(self) -> None:
        """Let the batches under way end."""
        await super().close()
        await self.redis.aclose()

    async def _reserved_once(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        async with AsyncExitStack() as stack:
            for sku in broken_reserve.wanted_skus(requests):
                await stack.enter_async_context(self.locked(sku))
            return await self.sold(requests)
