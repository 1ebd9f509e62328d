"""A lock in Redis with an owner token and a time to live; only the owner can release it.

Saves work, never guarantees correctness: there is no fencing, so truth stays guarded by PostgreSQL.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockNotOwnedError, RedisError

from shared.errors import Kind, RedisUnavailableError, Refusal

POLL_S = 0.02


class LockBusy(Refusal):
    """Somebody else holds the lock and kept it for as long as we were willing to wait."""

    code = "lock_busy"
    kind = Kind.CONFLICT


@asynccontextmanager
async def lock(redis: "Redis", name: str, *, ttl_ms: int, wait_ms: int = 0) -> AsyncGenerator[Lock, None]:
    """Hold `lock:<name>` for the block, at most ttl_ms (`held.extend` or `held.reacquire` prolong it).

    Raises LockBusy after wait_ms, RedisUnavailableError when Redis does not answer. A lock that ran out during
    the block is left alone at the end: by then it may be another's.
    """
    held: Lock = redis.lock(
        f"lock:{name}",
        timeout=ttl_ms / 1000,
        sleep=POLL_S,
        blocking=wait_ms > 0,
        blocking_timeout=wait_ms / 1000 if wait_ms else None,
        thread_local=False,
    )
    try:
        acquired = await held.acquire()
    except RedisError as error:
        raise RedisUnavailableError(f"lock {name} could not be asked for") from error
    if not acquired:
        raise LockBusy(f"{name} is being worked on")
    try:
        yield held
    finally:
        await _release(held)


async def _release(held: Lock) -> None:
    try:
        await held.release()
    except (LockNotOwnedError, RedisError):
        return  # ran out, or Redis is away: the time to live ends it
