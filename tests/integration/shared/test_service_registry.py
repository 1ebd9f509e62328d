import time
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared import service_registry
from shared.service_registry import Registry
from tests.support.redis_clients import connected
from tests.support.services import served, until


async def names(registry: Registry) -> list[str]:
    return [one.name for one in await registry.instances("orders")]


async def test_instances_are_seen_by_others_with_url_and_load(redis_url, prefix):
    async with connected(redis_url) as one, connected(redis_url) as two:
        await Registry(one, prefix).heartbeat("orders", "orders-1", "http://127.0.0.1:1", 3)
        await Registry(one, prefix).heartbeat("orders", "orders-2", "http://127.0.0.1:2", 0)
        found = await Registry(two, prefix).instances("orders")
        assert [(i.name, i.url, i.load) for i in found] == [
            ("orders-1", "http://127.0.0.1:1", 3),
            ("orders-2", "http://127.0.0.1:2", 0),
        ]
        assert await Registry(two, prefix).instances("payments") == ()


async def test_one_that_stops_beating_is_dropped_within_two_seconds(redis_url, prefix):
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        await registry.heartbeat("orders", "orders-2", "http://127.0.0.1:2")
        died = time.monotonic()

        async def dropped() -> bool:
            await registry.heartbeat("orders", "orders-2", "http://127.0.0.1:2")
            return await names(registry) == ["orders-2"]

        assert await names(registry) == ["orders-1", "orders-2"]
        await until(dropped, deadline_s=5)
        assert 1.0 < time.monotonic() - died < 2.0
        assert await redis.hkeys(f"{prefix}registry:orders") == [b"orders-2"]


async def test_the_last_one_that_stops_beating_is_dropped_too(redis_url, prefix):
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        assert await names(registry) == ["orders-1"]

        async def gone() -> bool:
            return await names(registry) == []

        await until(gone, deadline_s=2.5)


async def test_one_that_is_late_is_reachable_while_there_is_no_other(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(service_registry, "ANSWER_CACHED_S", 0.0)
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)

        async def reachable() -> list[str]:
            return [one.name for one in await registry.reachable("orders")]

        async def is_late() -> bool:
            return not await registry.instances("orders")

        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        assert await reachable() == ["orders-1"]
        await until(is_late, deadline_s=5)
        assert await reachable() == ["orders-1"]
        registry.suspect("orders", "orders-1")
        assert await reachable() == []  # nobody answers there
        monkeypatch.setattr(service_registry, "LATE_MS_MAX", 1)
        assert [one.name for one in await Registry(redis, prefix).reachable("orders")] == []  # nor for ever
        monkeypatch.setattr(service_registry, "LATE_MS_MAX", 60_000)
        await Registry(redis, prefix).heartbeat("orders", "orders-2", "http://127.0.0.1:2")
        assert await reachable() == ["orders-2"]


async def test_one_that_withdrew_is_not_reachable_however_short_ago(redis_url, prefix):
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        await registry.withdraw("orders", "orders-1")
        assert await registry.reachable("orders") == ()


async def test_withdrawing_is_immediate(redis_url, prefix):
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        await registry.withdraw("orders", "orders-1")
        assert await names(Registry(redis, prefix)) == []


async def test_a_suspect_is_avoided_for_a_while_unless_it_is_the_only_one(redis_url, prefix, monkeypatch):
    monkeypatch.setattr(service_registry, "SUSPECT_S", 0.1)
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        registry.suspect("orders", "orders-1")
        assert await names(registry) == ["orders-1"]
        await registry.heartbeat("orders", "orders-2", "http://127.0.0.1:2")

        async def sees(*expected: str) -> bool:
            return await names(registry) == list(expected)

        monkeypatch.setattr(service_registry, "SUSPECT_S", 0.6)
        registry.suspect("orders", "orders-1")
        await until(lambda: sees("orders-2"), deadline_s=1)
        await until(lambda: sees("orders-1", "orders-2"), deadline_s=2)


async def test_the_last_known_instances_serve_while_redis_is_away(own_redis, prefix, monkeypatch):
    monkeypatch.setattr(service_registry, "ANSWER_CACHED_S", 0.0)
    async with connected(own_redis.url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        assert await names(registry) == ["orders-1"]
        own_redis.stop()
        assert await names(registry) == ["orders-1"]
        monkeypatch.setattr(service_registry, "LAST_KNOWN_MAX_S", 0.0)
        assert await names(registry) == []
        own_redis.start()


async def test_many_callers_ask_redis_once_per_moment(redis_url, prefix):
    async with connected(redis_url) as redis:
        registry = Registry(redis, prefix)
        await registry.heartbeat("orders", "orders-1", "http://127.0.0.1:1")
        asked = 0
        listing = registry._list

        async def counted(**arguments):
            nonlocal asked
            asked += 1
            return await listing(**arguments)

        registry._list = counted
        for _ in range(100):
            await registry.instances("orders")
        assert asked <= 2


@pytest.mark.service("auth")
async def test_an_instance_that_cannot_serve_leaves_and_comes_back_when_it_can(engines, prefix):
    async with served(engines, "auth", prefix=prefix, role="api") as auth, connected(engines.redis) as redis:

        async def announced() -> list[bytes]:
            return await redis.hkeys(f"{prefix}registry:auth")

        await until(announced)
        name = urlsplit(auth.settings.database_url).path.strip("/")
        administrator = await asyncpg.connect(engines.postgres)
        try:
            await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )

            async def gone() -> bool:
                return not await announced()

            await until(gone)
            assert (await auth.call("GET", "/health/live", anonymous=True))[0] == 200
            await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await until(announced)
        finally:
            await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await administrator.close()


@pytest.mark.service("catalog")
async def test_one_that_only_lacks_what_it_can_do_without_stays(engines, prefix):
    """The topics are missing, so that its consumer is not healthy; people can still browse."""
    async with served(engines, "search", prefix=prefix) as search, connected(engines.redis) as redis:
        status, health = await search.call("GET", "/health/ready", anonymous=True)
        assert (status, health["checks"]["kafka"]["ok"]) == (503, False)
        await until(lambda: redis.hkeys(f"{prefix}registry:search"))
