import asyncio
import time

import pytest

from shared.circuit_breaker import BreakerPolicy, CircuitBreaker, CircuitOpenError, Mode
from shared.errors import Kind, Refusal, RemoteRefusal, RemoteUnavailableError
from tests.support.fakes.redis_relay import redis_relay
from tests.support.redis_clients import connected
from tests.support.services import until

QUICK = BreakerPolicy(failures_min=3, open_ms=200, probes_max=2, probe_successes=2, probe_lease_ms=1_000)


async def call(breaker: CircuitBreaker, error: BaseException | None = None, *, caller: str = "") -> None:
    async with breaker.guard(caller=caller):
        if error is not None:
            raise error


async def fail(breaker: CircuitBreaker, times: int, *, caller: str = "") -> None:
    for _ in range(times):
        with pytest.raises(RemoteUnavailableError):
            await call(breaker, RemoteUnavailableError("down"), caller=caller)


async def is_open(breaker: CircuitBreaker) -> bool:
    try:
        await call(breaker)
    except CircuitOpenError:
        return True
    return False


async def test_repeated_failures_open_it_for_every_process_within_two_seconds(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        mine = CircuitBreaker(one, "psp", prefix=prefix, policy=BreakerPolicy(failures_min=3, open_ms=5_000))
        other = CircuitBreaker(two, "psp", prefix=prefix, policy=BreakerPolicy(failures_min=3, open_ms=5_000))
        await call(other)
        await fail(mine, 3)
        opened = time.monotonic()
        with pytest.raises(CircuitOpenError) as caught:
            await call(mine)
        assert 0 < caught.value.retry_after_s <= 5
        assert not caught.value.effect_possible
        await until(lambda: is_open(other), deadline_s=2)
        assert time.monotonic() - opened < 2


async def test_failures_spread_over_processes_add_up(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        breakers = [CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK) for redis in (one, two)]
        await fail(breakers[0], 2)
        assert breakers[0].mode is Mode.CLOSED
        await fail(breakers[1], 1)
        assert breakers[1].mode is Mode.OPEN


async def test_a_small_share_of_failures_leaves_it_closed(redis_url, prefix):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        for _ in range(10):
            await call(breaker)
        await fail(breaker, 5)
        assert breaker.mode is Mode.CLOSED


async def test_half_open_lets_only_a_few_probes_through_over_all_processes(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        breakers = [CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK) for redis in (one, two)]
        await fail(breakers[0], 3)
        await asyncio.sleep(QUICK.open_ms / 1000)  # the breaker's own time is what is tested
        release = asyncio.Event()
        inside = 0

        async def probe(number: int) -> bool:
            nonlocal inside
            try:
                async with breakers[number % 2].guard():
                    inside += 1
                    await release.wait()
            except CircuitOpenError:
                return False
            return True

        tasks = [asyncio.create_task(probe(number)) for number in range(20)]
        await until(lambda: sum(task.done() for task in tasks) == 18, deadline_s=5)
        assert inside == QUICK.probes_max
        release.set()
        assert sum(await asyncio.gather(*tasks)) == 2
        await until(lambda: _closed(breakers), deadline_s=2)


async def _closed(breakers: list[CircuitBreaker]) -> bool:
    for breaker in breakers:
        if await is_open(breaker):
            return False
    return all(breaker.mode is Mode.CLOSED for breaker in breakers)


async def test_a_failing_probe_opens_it_again(redis_url, prefix):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        await fail(breaker, 3)

        async def probed() -> bool:
            try:
                await call(breaker, RemoteUnavailableError("still down"))
            except CircuitOpenError:
                return False
            except RemoteUnavailableError:
                return True
            return False

        await until(probed, deadline_s=2)
        assert breaker.mode is Mode.OPEN
        with pytest.raises(CircuitOpenError):
            await call(breaker)


async def test_a_cancelled_probe_gives_its_place_back(redis_url, prefix):
    policy = BreakerPolicy(failures_min=3, open_ms=50, probes_max=1, probe_successes=1, probe_lease_ms=60_000)
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=policy)
        await fail(breaker, 3)

        async def hang() -> None:
            async with breaker.guard():
                await asyncio.Event().wait()

        async def hanging() -> asyncio.Task[None] | None:
            task = asyncio.create_task(hang())
            done, _ = await asyncio.wait([task], timeout=0.05)
            if done:
                task.exception()
                return None
            return task

        task = await until(hanging, deadline_s=2)
        assert await is_open(breaker)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await is_open(breaker)


async def test_who_is_cancelled_while_asking_for_a_place_keeps_none(redis_url, prefix):
    policy = BreakerPolicy(failures_min=3, open_ms=50, probes_max=1, probe_successes=1, probe_lease_ms=60_000)
    async with redis_relay(redis_url) as relay, connected(relay.url) as slow, connected(redis_url) as quick:
        breaker, other = (CircuitBreaker(redis, "psp", prefix=prefix, policy=policy) for redis in (slow, quick))
        await fail(breaker, 3)
        await asyncio.sleep(policy.open_ms / 1000)  # the breaker's own time is what is tested
        relay.stall()
        asking = asyncio.create_task(breaker.enter())

        async def granted() -> bool:
            return await quick.hget(f"{prefix}breaker:psp", "probes") == b"1"

        await until(granted)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await is_open(other)
        relay.resume()

        async def is_closed() -> bool:
            return not await is_open(other)

        await until(is_closed, deadline_s=2)


class No(Refusal):
    code = "no"
    kind = Kind.CONFLICT


@pytest.mark.parametrize("error", [No("x"), RemoteRefusal(409, "sold_out", ""), ValueError("bug")])
async def test_refusals_say_nothing_about_health(redis_url, prefix, error):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        for _ in range(10):
            with pytest.raises(type(error)):
                await call(breaker, error)
        assert not await is_open(breaker)


async def test_without_redis_each_process_decides_alone(own_redis, prefix):
    async with connected(own_redis.url) as redis:
        own_redis.stop()
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        await fail(breaker, 3)
        assert await is_open(breaker)

        async def closed_again() -> bool:
            return not await is_open(breaker) and breaker.mode is Mode.CLOSED

        await until(closed_again, deadline_s=5)
        own_redis.start()


async def test_the_shared_state_counts_again_when_redis_is_back(own_redis, prefix):
    async with connected(own_redis.url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        await call(breaker)
        own_redis.stop()
        await fail(breaker, 3)
        assert breaker.mode is Mode.OPEN
        own_redis.start()

        async def shared() -> bool:
            return not await is_open(breaker) and bool(await redis.exists(f"{prefix}breaker:psp"))

        await until(shared, deadline_s=5)


async def test_a_healthy_call_asks_redis_at_most_twice_a_second(redis_url, prefix):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix)
        asked = 0
        script = breaker._script

        async def counted(**arguments):
            nonlocal asked
            asked += 1
            return await script(**arguments)

        breaker._script = counted
        until_s = time.monotonic() + 0.3
        calls = 0
        while time.monotonic() < until_s:
            await call(breaker)
            calls += 1
        assert calls > 100
        assert asked == 1


async def test_one_caller_cannot_open_it_over_all_processes_and_three_can(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        breakers = [CircuitBreaker(redis, "psp", prefix=prefix) for redis in (one, two)]
        for breaker in breakers:
            await fail(breaker, 20, caller="mallory")
        assert [breaker.mode for breaker in breakers] == [Mode.CLOSED] * 2
        for name in ("ann", "bob"):
            await fail(breakers[0], 2, caller=name)
        assert breakers[0].mode is Mode.OPEN


async def test_one_caller_cannot_keep_it_open(redis_url, prefix):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        await fail(breaker, 3)
        await until(lambda: _lets_through(breaker, caller="mallory"))
        await fail(breaker, 5, caller="mallory")
        assert breaker.mode is Mode.HALF_OPEN
        for _ in range(QUICK.probe_successes):
            await call(breaker, caller="ann")
        assert breaker.mode is Mode.CLOSED


async def test_what_cannot_be_reached_counts_whoever_asks(redis_url, prefix):
    async with connected(redis_url) as redis:
        breaker = CircuitBreaker(redis, "psp", prefix=prefix, policy=QUICK)
        for _ in range(3):
            with pytest.raises(RemoteUnavailableError):
                await call(breaker, RemoteUnavailableError("refused", effect_possible=False), caller="ann")
        assert breaker.mode is Mode.OPEN


async def _lets_through(breaker: CircuitBreaker, *, caller: str) -> bool:
    try:
        await call(breaker, RemoteUnavailableError("poison"), caller=caller)
    except CircuitOpenError:
        return False
    except RemoteUnavailableError:
        return True
    return True
