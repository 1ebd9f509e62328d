import asyncio
import time
from uuid import uuid4

import pytest
from redis.exceptions import ResponseError

from shared import redis_gate
from shared.errors import RedisUnavailableError
from shared.redis_gate import gate_of
from tests.support.redis_clients import connected
from tests.support.services import until


async def test_a_burst_waits_for_a_connection(redis_url, monkeypatch):
    monkeypatch.setattr(redis_gate, "CONNECTIONS_MAX", 5)
    async with redis_gate.connect(redis_url) as redis:
        name = uuid4().hex
        gate = gate_of(redis)
        await asyncio.gather(*(gate.ask(lambda: redis.client_setname(name)) for _ in range(50)))
        clients = await gate.ask(redis.client_list)
        assert 1 < len([client for client in clients if client["name"] == name]) <= 5


async def test_a_dead_redis_is_noticed_at_once_and_asked_again_by_one_caller_at_a_time(own_redis):
    async with connected(own_redis.url) as redis:
        gate = gate_of(redis)
        assert await gate.ask(redis.ping)
        own_redis.stop()
        sent = 0

        async def command() -> bytes:
            nonlocal sent
            sent += 1
            return await redis.ping()

        with pytest.raises(RedisUnavailableError):
            await gate.ask(command)
        answers = await asyncio.gather(*(gate.ask(command) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(answer, RedisUnavailableError) for answer in answers)
        assert sent == 1
        own_redis.start()

        async def back() -> bool:
            try:
                return bool(await gate.ask(command))
            except RedisUnavailableError:
                return False

        await until(back, deadline_s=5)


async def test_a_frozen_redis_costs_everybody_one_wait_and_later_only_one_caller(own_redis, monkeypatch):
    monkeypatch.setattr(redis_gate, "COMMAND_LIMIT_S", 0.3)
    async with connected(own_redis.url) as redis:
        gate = gate_of(redis)
        assert await gate.ask(redis.ping)
        own_redis.freeze()
        await asyncio.gather(*(gate.ask(redis.ping) for _ in range(10)), return_exceptions=True)
        started = time.monotonic()
        for _ in range(100):
            with pytest.raises(RedisUnavailableError):
                await gate.ask(redis.ping)
        assert time.monotonic() - started < 1
        own_redis.thaw()


async def test_one_late_answer_is_not_believed_to_be_an_absence(redis_url, monkeypatch):
    monkeypatch.setattr(redis_gate, "COMMAND_LIMIT_S", 0.05)
    async with connected(redis_url) as redis:
        gate = gate_of(redis)
        with pytest.raises(RedisUnavailableError):
            await gate.ask(lambda: asyncio.sleep(10))
        assert gate._away_until == 0
        assert gate_of(redis) is gate


async def test_a_faulty_command_stays_a_faulty_command(redis_url):
    async with connected(redis_url) as redis:
        with pytest.raises(ResponseError):
            await gate_of(redis).ask(lambda: redis.execute_command("NONSENSE"))
