"""What is counted in Redis: per key, together over all gateways, evenly, and for a bounded time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from shared.redis_gate import COMMAND_LIMIT_S
from svc.gateway.limits import RateLimits
from svc.gateway.rate_limit import Limit, RateLimited
from svc.gateway.settings import Settings
from tests.support.fakes.redis_relay import redis_relay

pytestmark = pytest.mark.service("gateway")


@asynccontextmanager
async def counted(engines, prefix: str, browse: str) -> AsyncIterator[RateLimits]:
    """What one gateway counts with, on connections of its own."""
    async with Redis.from_url(engines.redis) as redis:
        yield limits(redis, prefix, browse)


def limits(redis: Redis, prefix: str, browse: str) -> RateLimits:
    return RateLimits(redis, Settings(internal_secret="x" * 32, prefix=prefix, limit_browse=browse))


async def passes(counting: RateLimits, caller: str = "ann") -> bool:
    try:
        return await counting.hit("browse", caller) is not None
    except RateLimited:
        return False


async def test_of_two_hundred_simultaneous_hits_from_two_gateways_exactly_the_burst_passes(engines, prefix):
    async with counted(engines, prefix, "10/3600") as one, counted(engines, prefix, "10/3600") as two:
        passed = await asyncio.gather(*(passes((one, two)[n % 2]) for n in range(200)))
    assert sum(passed) == 10


async def test_keys_do_not_share_an_allowance(engines, prefix):
    async with counted(engines, prefix, "1/60") as counting:
        assert [await passes(counting, caller) for caller in ("ann", "bob", "ann")] == [True, True, False]


async def test_a_decision_says_what_remains_and_when_to_come_back(engines, prefix):
    async with counted(engines, prefix, "2/60") as counting:
        decisions = [await counting.hit("browse", "ann") for _ in range(2)]
        with pytest.raises(RateLimited) as caught:
            await counting.hit("browse", "ann")
    assert [decision and decision.remaining for decision in decisions] == [1, 0]
    assert decisions[1] is not None
    assert 30_000 < decisions[1].reset_ms <= 60_000
    assert 0 < caught.value.extra["retry_after_s"] <= 30


async def test_allowance_comes_back_evenly(engines, prefix):
    async with counted(engines, prefix, "20/1/1") as counting:
        started = time.monotonic()
        passed = 0
        while time.monotonic() < started + 0.5:
            passed += await passes(counting)
            await asyncio.sleep(0.002)
        took_s = time.monotonic() - started
    assert 2 <= passed <= 20 * took_s + 1


async def test_a_refused_hit_costs_nothing(engines, prefix):
    waits = []
    async with counted(engines, prefix, "1/60") as counting:
        assert await passes(counting)
        for _ in range(20):
            with pytest.raises(RateLimited) as caught:
                await counting.hit("browse", "ann")
            waits.append(caught.value.extra["retry_after_s"])
    assert max(waits) <= 60
    assert waits == sorted(waits, reverse=True)


async def test_counters_leave_redis_by_themselves(engines, prefix):
    async with Redis.from_url(engines.redis) as redis:
        assert await passes(limits(redis, prefix, "10/600"))
        (key,) = [key async for key in redis.scan_iter(f"{prefix}rate:*")]
        assert 0 < await redis.pttl(key) <= 60_002


async def test_a_silent_redis_delays_a_request_by_a_bounded_time_and_replies_never_shift(engines, prefix):
    async with redis_relay(engines.redis) as relay, Redis.from_url(relay.url, max_connections=4) as redis:
        await redis.set(f"{prefix}x", "x-value", px=60_000)
        counting = limits(redis, prefix, "1/60")
        relay.stall()
        started = time.monotonic()
        assert await counting.hit("browse", "ann") is None
        assert time.monotonic() - started < COMMAND_LIMIT_S + 1
        relay.resume()
        for _ in range(10):
            assert await redis.get(f"{prefix}x") == b"x-value"


@pytest.mark.parametrize("wrong", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_a_limit_allows_something(wrong):
    with pytest.raises(ValueError, match="at least one"):
        Limit(*wrong)
