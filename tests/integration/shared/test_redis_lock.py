import asyncio

import pytest

from shared.errors import RedisUnavailableError
from shared.redis_lock import LockBusy, lock
from tests.support.redis_clients import connected


async def test_only_one_holds_it_at_a_time(redis_url, prefix):
    holders = most = 0
    async with connected(redis_url) as one, connected(redis_url) as two:

        async def work(number: int) -> None:
            nonlocal holders, most
            async with lock((one, two)[number % 2], f"{prefix}job", ttl_ms=5_000, wait_ms=5_000):
                holders += 1
                most = max(most, holders)
                await asyncio.sleep(0.002)
                holders -= 1

        await asyncio.gather(*(work(number) for number in range(10)))
    assert most == 1


async def test_somebody_elses_lock_is_busy(redis_url, prefix):
    async with connected(redis_url) as redis, lock(redis, f"{prefix}job", ttl_ms=5_000):
        with pytest.raises(LockBusy):
            async with lock(redis, f"{prefix}job", ttl_ms=5_000):
                pytest.fail("two holders")
        with pytest.raises(LockBusy):
            async with lock(redis, f"{prefix}job", ttl_ms=5_000, wait_ms=50):
                pytest.fail("two holders")


async def test_it_is_free_after_a_failure_inside(redis_url, prefix):
    async with connected(redis_url) as redis:
        with pytest.raises(ZeroDivisionError):
            async with lock(redis, f"{prefix}job", ttl_ms=5_000):
                _ = 1 / 0
        async with lock(redis, f"{prefix}job", ttl_ms=5_000):
            pass


async def test_it_runs_out_when_its_owner_is_stuck(redis_url, prefix):
    async with (
        connected(redis_url) as redis,
        lock(redis, f"{prefix}job", ttl_ms=30),
        lock(redis, f"{prefix}job", ttl_ms=5_000, wait_ms=2_000) as second,
    ):
        assert await second.owned()


async def test_a_late_owner_leaves_anothers_lock_alone(redis_url, prefix):
    async with connected(redis_url) as redis:
        async with lock(redis, f"{prefix}job", ttl_ms=5_000):
            await redis.set(f"lock:{prefix}job", "another", px=5_000)
        assert await redis.get(f"lock:{prefix}job") == b"another"


async def test_without_redis_there_is_no_lock(own_redis, prefix):
    async with connected(own_redis.url) as redis:
        own_redis.stop()
        with pytest.raises(RedisUnavailableError):
            async with lock(redis, f"{prefix}job", ttl_ms=100):
                pytest.fail("held a lock nobody keeps")
        own_redis.start()
