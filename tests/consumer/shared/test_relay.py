"""The relay's promise: every stored event reaches its topic, whatever commits late and whichever relay dies."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from shared.contracts.auth import UserDeleted
from shared.contracts.payments import PaymentFailed
from shared.kafka_producer import Producer
from shared.outbox import DEAD_LETTER_BYTES_MAX, RELAY_LOCK, Relay
from shared.unit_of_work import EVENT_BYTES_MAX, EventTooLarge
from tests.consumer.shared.conftest import SERVICE
from tests.support.services import opened_database, topics, until


@asynccontextmanager
async def relaying(engines, prefix, database):
    producer = Producer(engines.kafka, client_id="test", prefix=prefix)
    relay = Relay(database, producer)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.close()


async def _tell(database):
    user_id = uuid4()
    async with database.begin() as uow:
        uow.publish(UserDeleted(user_id=user_id), aggregate_id=user_id, aggregate_version=1)


async def _sent(database, count):
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == count


async def test_a_transaction_that_commits_after_a_younger_one_is_relayed(engines, prefix):
    async with (
        topics(engines, prefix),
        opened_database(engines, SERVICE) as database,
        relaying(engines, prefix, database),
    ):
        first = uuid4()
        async with database.begin() as uow:
            uow.publish(UserDeleted(user_id=first), aggregate_id=first, aggregate_version=1)
            await uow.flush()  # it has its position, lower than the next one's
            await _tell(database)
            await until(lambda: _sent(database, 1))
        await until(lambda: _sent(database, 2))


async def test_one_relay_works_and_the_next_takes_over_when_it_dies(engines, prefix):
    async with (
        topics(engines, prefix),
        opened_database(engines, SERVICE) as database,
        relaying(engines, prefix, database) as first,
    ):
        await until(lambda: first.active)
        async with relaying(engines, prefix, database) as second:
            await _tell(database)
            await until(lambda: _sent(database, 1))
            assert not second.active
            await _end_session_of_the_active_one(database.url)
            await until(lambda: first.active or second.active)
            await _tell(database)
            await until(lambda: _sent(database, 2))
            assert first.active != second.active


async def _end_session_of_the_active_one(url):
    connection = await asyncpg.connect(url)
    try:
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            RELAY_LOCK,
        )
        assert len(ended) == 1
    finally:
        await connection.close()


async def test_an_event_no_broker_would_take_is_refused_with_all_that_would_have_happened(engines):
    async with opened_database(engines, SERVICE) as database:
        with pytest.raises(EventTooLarge):
            await _tell_both(database, _failed(reason="modest"), _failed(reason="x" * EVENT_BYTES_MAX))
        async with database.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_the_largest_event_and_a_larger_dead_letter_hold_nobody_up(engines, prefix):
    """The broker's own bound is above ours, and a letter above ours leaves its payload at home."""
    async with (
        topics(engines, prefix),
        opened_database(engines, SERVICE) as database,
        relaying(engines, prefix, database),
    ):
        async with database.begin() as uow:
            uow.publish(_failed(reason="x" * (EVENT_BYTES_MAX - 1_000)), aggregate_id="large", aggregate_version=1)
            await uow.connection.execute(
                "INSERT INTO dead_letters (consumer, topic, partition, offset_, payload, reason, detail, attempts) "
                "VALUES ($1, 'auth.events', 0, 1, $2, 'undecodable', '', 1)",
                SERVICE,
                b"x" * (DEAD_LETTER_BYTES_MAX + 1),
            )
        await _tell(database)
        await until(lambda: _sent(database, 2))
        await until(lambda: _letters_published(database))


async def _tell_both(database, *events):
    async with database.begin() as uow:
        for event in events:
            uow.publish(event, aggregate_id=event.payment_id, aggregate_version=1)


async def _letters_published(database):
    async with database.acquire() as connection:
        return await connection.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM dead_letters")


def _failed(*, reason):
    return PaymentFailed(
        order_id=uuid4(), customer_id=uuid4(), email="", order_number="", payment_id=uuid4(), amount_minor=1,
        currency="EUR", reason=reason,
    )  # fmt: skip
