"""Redis clients as the services make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """A client of its own pool, as another process would have; gives up at once when Redis is away."""
    client = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))
    try:
        yield client
    finally:
        await client.aclose()
