"""A consumer that goes back: everything comes again, is applied once, and the group stands where it stood."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.auth import UserDeleted
from shared.errors import BrokerUnavailableError
from shared.kafka_consumer import ConsumerRunner
from tests.consumer.shared.conftest import SERVICE
from tests.support.services import envelope, until


def change(version, user):
    return envelope(UserDeleted(user_id=user), user, version)


async def test_rewound_events_are_delivered_again_and_applied_once(consumer):
    async with consumer as bench:
        user = uuid4()
        await bench.publish(*(change(version, user) for version in range(1, 6)))
        await until(lambda: bench.runner.applied == 5)
        assert await bench.runner.rewind(records_max=3) == 3
        await until(lambda: bench.runner.applied == 5 + 3)
        assert bench.versions == [1, 2, 3, 4, 5]


async def test_a_rewind_ends_at_the_oldest_record_and_knows_its_topic(consumer):
    async with consumer as bench:
        user = uuid4()
        await bench.publish(change(1, user), change(2, user))
        await until(lambda: bench.runner.applied == 2)
        assert await bench.runner.rewind(records_max=100, topic="orders.events") == 0
        assert await bench.runner.rewind(records_max=100, topic="auth.events") == 2


async def test_the_committed_offsets_go_back_too(consumer, engines, prefix):
    async with consumer as bench:
        user, held = uuid4(), asyncio.Event()
        await bench.publish(*(change(version, user) for version in range(1, 4)))
        await until(lambda: standing_at(engines, prefix, 3))

        async def hold(_event):
            await held.wait()

        bench.react = hold
        async with bench.database.begin() as uow:
            await uow.connection.execute("DELETE FROM inbox")
        await bench.runner.rewind(records_max=2)
        assert await committed(engines, prefix) == 3 - 2
        held.set()
        await until(lambda: bench.versions == [1, 2, 3, 2, 3])


async def standing_at(engines, prefix, offset) -> bool:
    """The broker has the group's commit: it comes after the events were applied."""
    return await committed(engines, prefix) == offset


async def committed(engines, prefix) -> int:
    """The sum of the offsets of the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(prefix + SERVICE)
    finally:
        await admin.close()
    return sum(it.offset for it in offsets.values())


async def test_a_consumer_without_a_broker_refuses(engines, prefix, monkeypatch):
    monkeypatch.setattr("shared.kafka_consumer.REWIND_S_MAX", 0.05)
    runner = ConsumerRunner(
        None, {UserDeleted: None}, bootstrap="127.0.0.1:1", service="inventory", instance="inventory-1"
    )
    with pytest.raises(BrokerUnavailableError):
        await runner.rewind(records_max=1)
