"""Planted: a unit is locked for a buyer before it is sold, for as long as its holder lives, or longer."""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from shared.database import Database
from shared.settings import ServiceSettings
from svc.inventory import store
from svc.inventory.desk import ReservationDesk, ReserveBatch, Waiting
from svc.inventory.domain import Hold, HoldRequest, InsufficientStock

CARD = DefectCard(
    id="lock-without-ttl",
    title="A lock without a time to live outlives its holder",
    parts=("inventory.desk",),
    root_cause=(
        "Units are locked in Redis while a sale is worked on and unlocked at its end, in the same process. The lock "
        "has no time to live: what a killed process had locked stays locked for everybody."
    ),
    caught_by=("INV-03",),
    exposed_by="An inventory process that is killed while it sells.",
    symptoms="The shop says 'sold out' with units on the shelf; nothing happens until somebody deletes keys by hand.",
    fix="Tie a lock to its holder (a row lock ends with the connection) or give it a time to live and fence the write.",
    origin="SETNX without EXPIRE, in countless post-mortems.",
)

THINKING_TIME_S = 0.15


def twin(_healthy: type[ReservationDesk], told: ServiceSettings) -> type[ReservationDesk]:
    """A desk that serves one buyer after another, each under locks that only it would take away."""

    class LockingDesk(ReservationDesk):
        def __init__(self, database: Database, reserve_batch: ReserveBatch) -> None:
            super().__init__(database, reserve_batch)
            self._redis: Redis = Redis.from_url(told.redis_url)

        async def close(self) -> None:
            """Let the sales under way end."""
            await super().close()
            await self._redis.aclose()

        async def _serve_batch(self, batch: Sequence[Waiting]) -> None:
            """One buyer after another while something is free, then the rest at once."""
            for served, (request, answer) in enumerate(batch):
                if not await self._unlocked(request):
                    await super()._serve_batch(batch[served:])
                    return
                await super()._serve_batch([(request, answer)])

        async def _reserved_once(self, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
            request = requests[0]
            locks, buyer = _locks(told, request), str(request.reservation_id)
            if len(requests) == 1 and await self._unlocked(request) and await self._redis.sadd(locks, buyer):
                try:
                    await asyncio.sleep(THINKING_TIME_S)
                    return await super()._reserved_once(requests)
                finally:
                    await self._redis.srem(locks, buyer)
            async with self._database.acquire() as connection:
                known = await store.holds(connection, [request.reservation_id for request in requests])
            sold_out = InsufficientStock("nothing is left", sku=_scarce(request))
            return [known.get(request.reservation_id, sold_out) for request in requests]

        async def _unlocked(self, request: HoldRequest) -> bool:
            async with self._database.acquire() as connection:
                levels = await broken_reserve.unlocked_levels(connection, [_scarce(request)])
            return sum(level.available for level in levels) > await self._redis.scard(_locks(told, request))

    return LockingDesk


def _scarce(request: HoldRequest) -> str:
    return request.lines[-1].sku


def _locks(told: ServiceSettings, request: HoldRequest) -> str:
    return f"{told.prefix}locked-units:{_scarce(request)}"


TWINS: Twins = {"inventory.desk": twin}
