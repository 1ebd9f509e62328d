"""What comes out of a handler is counted; only a database that is proven to be away is waited for without end."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from shared import kafka_consumer
from shared.contracts import encode
from shared.contracts.auth import UserDeleted
from shared.database import Database
from shared.errors import DatabaseUnavailableError, RedisUnavailableError
from tests.consumer.shared.conftest import SERVICE, consuming
from tests.support.fakes.redis_relay import redis_relay
from tests.support.services import database_of, envelope, until

OUTSIDE = [OSError("no space left"), TimeoutError("never mind"), asyncpg.InterfaceError("another operation"),
           RedisUnavailableError("away"), DatabaseUnavailableError("or so it says")]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch):
    """Short pauses, and no pretty tracebacks, which take longer than everything else here."""
    monkeypatch.setattr(kafka_consumer, "BACK_OFF_S", (0.01,))
    with capture_logs():
        yield


def change(user=None):
    user = user or uuid4()
    return envelope(UserDeleted(user_id=user), user)


async def _set_aside(bench, poison, *others):
    """The poison has become a dead letter, and what came after it was applied."""
    reasons = await bench.reasons()
    return len(bench.versions) == len(others) and [aggregate for aggregate, _ in reasons] == [poison] and reasons


@pytest.mark.parametrize("error", OUTSIDE, ids=lambda error: type(error).__name__)
async def test_an_error_that_looks_like_the_world_is_counted_when_the_database_answers(consumer, error):
    poison, other = change(), change()

    async def fail(event):
        if event.aggregate_id == poison.aggregate_id:
            raise error

    async with consumer as bench:
        bench.react = fail
        await bench.publish(poison, other)
        ((_, reason),) = await until(lambda: _set_aside(bench, poison.aggregate_id, other))
    assert reason == "handler_failed"


STATEMENTS = {
    "a statement that takes too long": "SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)",
    "a lock that never comes": "SET LOCAL lock_timeout = 10; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE",
    "a statement that kills its backend": "SELECT pg_terminate_backend(pg_backend_pid())",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_a_statement_that_can_never_come_through_blocks_nobody(consumer, statement):
    poison, other = change(), change()
    async with consumer as bench, bench.database.begin() as holder:
        await holder.connection.execute("LOCK TABLE inbox IN ROW EXCLUSIVE MODE")

        async def fail(event):
            if event.aggregate_id == poison.aggregate_id:
                await bench.uow.connection.execute(statement)

        bench.react = fail
        await bench.publish(poison, other)
        await until(lambda: _set_aside(bench, poison.aggregate_id, other))


async def test_a_handler_that_hangs_blocks_nobody(consumer, monkeypatch):
    monkeypatch.setattr(kafka_consumer, "TRANSACTION_LIMIT_S", 0.2)
    poison, other = change(), change()

    async def hang(event):
        if event.aggregate_id == poison.aggregate_id:
            await asyncio.Event().wait()

    async with consumer as bench:
        bench.react = hang
        await bench.publish(poison, other)
        await until(lambda: _set_aside(bench, poison.aggregate_id, other))


async def test_an_aggregate_that_cannot_be_stored_is_set_aside(consumer, engines, prefix):
    other = change()
    nul = encode(change()).replace(b'"aggregate_id":"', b'"aggregate_id":"\\u0000')
    async with consumer as bench:
        producer = AIOKafkaProducer(bootstrap_servers=engines.kafka)
        await producer.start()
        await producer.send_and_wait(f"{prefix}auth.events", nul)
        await producer.stop()
        await bench.publish(other)
        await until(lambda: _set_aside(bench, None, other))
        assert await bench.reasons() == [(None, "undecodable")]


async def test_a_database_that_is_away_is_waited_for_and_counts_against_nobody(engines, prefix, monkeypatch):
    monkeypatch.setattr(kafka_consumer, "WORLD_BACK_OFF_S", 0.02)
    attempts = 0

    async def cut_once(_):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            door.cut()

    async with (
        database_of(engines, SERVICE) as url,
        redis_relay(url) as door,
        _opened(door.url) as database,
        consuming(engines, prefix, through=database) as bench,
    ):
        bench.react = cut_once
        await bench.publish(change())
        await until(lambda: door.refused > kafka_consumer.ATTEMPTS_IN_THE_WAY_MAX * 3)
        door.mend()
        await until(lambda: bench.versions)
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0
        assert attempts == 2


@asynccontextmanager
async def _opened(url):
    database = Database(url, "test")
    await database.open()
    try:
        yield database
    finally:
        await database.close()
