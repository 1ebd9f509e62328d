import asyncio
import time

import msgspec
import pytest

from shared import cache as cache_module
from shared import deadline
from shared.cache import Cache, CacheLoadError
from shared.errors import Kind, Refusal, RemoteUnavailableError
from tests.support.redis_clients import connected
from tests.support.services import until


class Product(msgspec.Struct):
    sku: str
    price_minor: int


class Source:
    """The truth behind a cache; counts how often it is asked."""

    def __init__(self) -> None:
        self.price = 100
        self.calls = 0
        self.delay_s = 0.0
        self.error: BaseException | None = None

    async def load(self) -> Product:
        self.calls += 1
        price = self.price
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return Product("A", price)


async def get(cache: Cache, source: Source, *, ttl_s: float = 60, stale_s: float = 0.0) -> int:
    found = await cache.get_or_load("p:A", source.load, value_type=Product, ttl_s=ttl_s, stale_s=stale_s)
    return found.price_minor


@pytest.fixture
def never_early(monkeypatch):
    monkeypatch.setattr(cache_module, "EARLY_BETA", 0.0)


async def test_a_value_is_loaded_once_and_then_shared_between_processes(redis_url, prefix, never_early):
    async with connected(redis_url) as one, connected(redis_url) as two:
        source = Source()
        assert await get(Cache(one, prefix), source) == 100
        source.price = 200
        assert await get(Cache(two, prefix), source) == 100
        assert source.calls == 1


async def test_a_stampede_over_processes_loads_once(redis_url, prefix, never_early):
    async with connected(redis_url) as one, connected(redis_url) as two, connected(redis_url) as three:
        caches = [Cache(redis, prefix) for redis in (one, two, three)]
        source = Source()
        source.delay_s = 0.1
        found = await asyncio.gather(*(get(caches[n % 3], source) for n in range(150)))
        assert set(found) == {100}
        assert source.calls == 1


async def test_what_was_loaded_between_the_look_and_the_lock_is_not_loaded_again(
    redis_url, prefix, never_early, monkeypatch
):
    async with connected(redis_url) as one, connected(redis_url) as two:
        late, source = Cache(one, prefix), Source()
        lock = late._lock

        async def lock_late(name: str, token: str) -> bool | None:
            await get(Cache(two, prefix), source)
            return await lock(name, token)

        monkeypatch.setattr(late, "_lock", lock_late)
        assert await get(late, source) == 100
        assert source.calls == 1
        assert await one.keys(f"{prefix}*lock") == []


async def test_an_expired_value_is_loaded_again(redis_url, prefix, never_early):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        await get(cache, source, ttl_s=0.05)
        source.price = 200

        async def renewed() -> bool:
            return await get(cache, source, ttl_s=0.05) == 200

        await until(renewed, deadline_s=2)


async def test_lives_are_jittered(redis_url, prefix, never_early):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        for number in range(30):
            await cache.get_or_load(f"p:{number}", source.load, value_type=Product, ttl_s=100)
        lives = [await redis.pttl(f"{prefix}p:{number}") for number in range(30)]
        assert min(lives) >= 89_000
        assert max(lives) <= 110_000
        assert max(lives) - min(lives) > 5_000


async def test_a_hot_value_is_refreshed_before_it_expires(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(cache_module, "JITTER", 0.0)
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        source.delay_s = 0.05
        await get(cache, source, ttl_s=0.4)
        started = time.monotonic()
        while source.calls == 1:
            await get(cache, source, ttl_s=0.4)
        assert time.monotonic() - started < 0.4


async def test_the_last_good_value_serves_while_the_source_fails(redis_url, prefix, never_early):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        await get(cache, source, ttl_s=0.05, stale_s=30)
        source.error = RemoteUnavailableError("down")

        async def tried() -> bool:
            assert await get(cache, source, ttl_s=0.05, stale_s=30) == 100
            return source.calls == 2

        await until(tried, deadline_s=2)
        for _ in range(50):  # the failing source is spared for a while
            assert await get(cache, source, ttl_s=0.05, stale_s=30) == 100
        assert source.calls == 2
        assert 0 < await redis.pttl(f"{prefix}p:A:lock") <= cache_module.ERROR_PAUSE_MS


async def test_without_a_last_good_value_the_failure_is_told_and_the_next_caller_tries_again(redis_url, prefix):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        source.error = RemoteUnavailableError("down")
        with pytest.raises(RemoteUnavailableError):
            await get(cache, source)
        source.error = None
        assert await get(cache, source) == 100


class Gone(Refusal):
    code = "gone"
    kind = Kind.GONE


async def test_a_source_that_takes_too_long_is_the_worlds_doing(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(cache_module, "LOAD_LIMIT_S", 0.05)
    async with connected(redis_url) as redis:
        source = Source()
        source.delay_s = 5.0
        with pytest.raises(CacheLoadError):
            await get(Cache(redis, prefix), source)
        source.delay_s = 0.0
        assert await get(Cache(redis, prefix), source) == 100


async def test_a_refusal_is_an_answer_and_no_reason_to_serve_the_past(redis_url, prefix, never_early):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        await get(cache, source, ttl_s=0.02, stale_s=30)
        source.error = Gone("deleted")

        async def refused() -> bool:
            try:
                await get(cache, source, ttl_s=0.02, stale_s=30)
            except Gone:
                return True
            return False

        await until(refused, deadline_s=2)


async def test_an_invalidated_value_is_loaded_anew(redis_url, prefix, never_early):
    async with connected(redis_url) as one, connected(redis_url) as two:
        cache, source = Cache(one, prefix), Source()
        await get(cache, source)
        source.price = 200
        await Cache(two, prefix).invalidate("p:A")
        assert await get(cache, source) == 200


async def test_a_load_that_began_before_an_invalidation_does_not_bring_the_old_value_back(
    redis_url, prefix, never_early
):
    async with connected(redis_url) as one, connected(redis_url) as two:
        cache, source = Cache(one, prefix), Source()
        source.delay_s = 0.1
        slow = asyncio.create_task(get(cache, source))
        await until(lambda: source.calls == 1)
        source.price, source.delay_s = 200, 0.0
        await Cache(two, prefix).invalidate("p:A")
        await slow
        assert await get(cache, source) == 200


async def test_a_caller_that_leaves_does_not_take_the_load_away(redis_url, prefix):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        source.delay_s = 0.05
        with deadline.within(0.01):
            first = asyncio.create_task(get(cache, source))
            await until(lambda: source.calls == 1)
        second = asyncio.create_task(get(cache, source))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 100
        assert source.calls == 1


async def test_a_value_over_the_bound_is_returned_and_not_kept(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(cache_module, "VALUE_BYTES_MAX", 8)
    async with connected(redis_url) as redis:
        assert await get(Cache(redis, prefix), Source()) == 100
        assert await redis.keys(f"{prefix}*") == []


async def test_a_value_of_another_shape_is_loaded_anew(redis_url, prefix, never_early):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        await cache.get_or_load("p:A", _text, value_type=str, ttl_s=60)
        assert await get(cache, source) == 100
        await redis.set(f"{prefix}p:A", b"\xff\xff")
        assert await get(cache, source) == 100


async def _text() -> str:
    return "old shape"


async def test_long_keys_are_kept_short(redis_url, prefix):
    async with connected(redis_url) as redis:
        cache, source = Cache(redis, prefix), Source()
        for _ in range(2):
            await cache.get_or_load("k" * 5_000, source.load, value_type=Product, ttl_s=60)
        assert source.calls == 1
        assert all(len(key) < 100 for key in await redis.keys(f"{prefix}*"))


async def test_without_redis_values_are_loaded_and_one_load_serves_all_that_wait(own_redis, prefix):
    async with connected(own_redis.url) as redis:
        cache, source = Cache(redis, prefix), Source()
        own_redis.stop()
        source.delay_s = 0.05
        assert set(await asyncio.gather(*(get(cache, source) for _ in range(20)))) == {100}
        assert source.calls == 1
        await cache.invalidate("p:A")
        own_redis.start()


async def test_a_holder_that_died_delays_others_only_until_its_lock_runs_out(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(cache_module, "LOCK_TTL_MS", 200)
    async with connected(redis_url) as redis:
        await redis.set(f"{prefix}p:A:lock", "a dead process", px=200)
        started = time.monotonic()
        assert await get(Cache(redis, prefix), Source()) == 100
        assert 0.1 < time.monotonic() - started < 1
