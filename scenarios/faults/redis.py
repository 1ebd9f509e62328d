"""What can happen to Redis beside the network: what it knew is gone, or it stands still."""

from typing import ClassVar, Final
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from compose.addresses import place_of
from scenarios.faults.fault import FaultValue
from scenarios.faults.processes import Pause
from scenarios.fleet import Fleet, FleetAwayError

MARK: Final = "fault:cache-flush:"
EVERYTHING: Final = "*"


class CacheFlush(FaultValue, frozen=True, tag="cache-flush"):
    """Every key that matches `pattern` is gone at once: by default all, caches, breakers, registry and limits."""

    lasting: ClassVar[bool] = False
    target: str = "redis"
    pattern: str = EVERYTHING

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        mark = f"{MARK}{uuid4()}"
        redis: Redis = Redis.from_url(fleet.stack.urls["redis"])
        try:
            await redis.set(mark, b"1", ex=60)
            before = await redis.dbsize()
            await self._flush(redis)
            after = await redis.dbsize()
            gone = not await redis.exists(mark) if self.pattern == EVERYTHING else after < before
            await redis.unlink(mark)
        except (RedisError, OSError) as error:
            raise FleetAwayError("redis", place_of(fleet.stack.urls["redis"])) from error
        finally:
            await redis.aclose()
        return gone, f"{before - after} keys are gone"

    async def _flush(self, redis: Redis) -> None:
        if self.pattern == EVERYTHING:
            await redis.flushdb()
        elif keys := [key async for key in redis.scan_iter(self.pattern, count=1_000)]:
            await redis.unlink(*keys)

    async def heal(self, fleet: Fleet) -> None:
        """Nothing to undo: truth never lives there, and what does comes back by itself."""


class RedisPause(FaultValue, frozen=True, tag="redis-pause"):
    """Redis answers nobody, and its connections stay open."""

    target: str = "redis"

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        return await Pause(self.target).bite(fleet)

    async def heal(self, fleet: Fleet) -> None:
        await Pause(self.target).heal(fleet)
