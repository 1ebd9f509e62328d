import asyncio
import time

import pytest
from redis.asyncio import Redis

from shared.rate_limit import Limit, RateLimited, RateLimiter
from shared.redis_gate import COMMAND_LIMIT_S
from tests.integration.shared.redis_clients import connected


async def test_of_two_hundred_simultaneous_hits_from_two_processes_exactly_the_burst_passes(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        limiters = [RateLimiter(one, prefix), RateLimiter(two, prefix)]
        limit = Limit(10, per_s=3_600)
        decisions = await asyncio.gather(*(limiters[n % 2].hit("login:ann", limit) for n in range(200)))
    assert sum(decision.allowed for decision in decisions) == 10


async def test_keys_do_not_share_an_allowance(redis_url, prefix):
    async with connected(redis_url) as redis:
        limiter = RateLimiter(redis, prefix)
        limit = Limit(1, per_s=60)
        assert (await limiter.hit("a", limit)).allowed
        assert (await limiter.hit("b", limit)).allowed
        assert not (await limiter.hit("a", limit)).allowed


async def test_a_decision_says_what_remains_and_when_to_come_back(redis_url, prefix):
    async with connected(redis_url) as redis:
        limiter = RateLimiter(redis, prefix)
        limit = Limit(2, per_s=2)
        first, second, third = [await limiter.hit("a", limit) for _ in range(3)]
    assert (first.remaining, second.remaining, third.remaining) == (1, 0, 0)
    assert 900 <= third.retry_after_ms <= 1_000
    assert 1_900 <= third.reset_ms <= 2_000
    with pytest.raises(RateLimited) as caught:
        third.check()
    assert caught.value.extra["retry_after_s"] == third.retry_after_ms / 1000


async def test_allowance_comes_back_evenly(redis_url, prefix):
    async with connected(redis_url) as redis:
        limiter = RateLimiter(redis, prefix)
        limit = Limit(20, per_s=1, burst=1)
        allowed = 0
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            allowed += (await limiter.hit("a", limit)).allowed
            await asyncio.sleep(0.002)
    assert 8 <= allowed <= 12


async def test_a_refused_hit_costs_nothing(redis_url, prefix):
    async with connected(redis_url) as redis:
        limiter = RateLimiter(redis, prefix)
        limit = Limit(1, per_s=60)
        await limiter.hit("a", limit)
        waits = [(await limiter.hit("a", limit)).retry_after_ms for _ in range(20)]
    assert max(waits) <= 60_000
    assert waits == sorted(waits, reverse=True)


async def test_counters_leave_redis_by_themselves(redis_url, prefix):
    async with connected(redis_url) as redis:
        await RateLimiter(redis, prefix).hit("a", Limit(10, per_s=10))
        assert 0 < await redis.pttl(f"{prefix}rate:a") <= 1_002


async def test_while_redis_is_away_the_route_decides(own_redis, prefix):
    async with connected(own_redis.url) as redis:
        limiter = RateLimiter(redis, prefix)
        own_redis.stop()
        assert (await limiter.hit("a", Limit(1, per_s=60))).allowed
        refused = await limiter.hit("a", Limit(1, per_s=60), when_away="refuse")
        assert not refused.allowed
        assert refused.retry_after_ms > 0
        own_redis.start()
        assert (await limiter.hit("a", Limit(1, per_s=60))).remaining == 0


async def test_a_frozen_redis_delays_a_request_by_a_bounded_time_and_replies_never_shift(own_redis, prefix):
    redis = Redis.from_url(own_redis.url, max_connections=4)
    limiter = RateLimiter(redis, prefix)
    await redis.set("x", "x-value")
    own_redis.freeze()
    started = time.monotonic()
    assert (await limiter.hit("a", Limit(1, per_s=60))).allowed
    assert time.monotonic() - started < COMMAND_LIMIT_S + 1
    own_redis.thaw()
    for _ in range(10):
        assert await redis.get("x") == b"x-value"
    await redis.aclose()


@pytest.mark.parametrize("wrong", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_a_limit_allows_something(wrong):
    with pytest.raises(ValueError, match="at least one"):
        Limit(*wrong)
