"""What a planted defect keeps in the fleet's Redis; the service knows nothing of it, so each use closes its client."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from shared.settings import ServiceSettings


@asynccontextmanager
async def redis_of(settings: ServiceSettings) -> AsyncGenerator[Redis]:
    """A client for one use. Raises what a command raises."""
    redis: Redis = Redis.from_url(settings.redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()
