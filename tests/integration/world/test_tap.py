import asyncio
import contextlib
import uuid

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from scenarios.world.faults.proxy import FaultProxy
from scenarios.world.journals import read_journals
from tests.support.world import call, running_world, until


@pytest.fixture
def pattern(prefix):
    return "^" + prefix.replace(".", r"\.")


@contextlib.asynccontextmanager
async def topics(engines, prefix):
    """Make topics by name under the prefix; they are gone afterwards."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka)
    await admin.start()
    made = []

    async def make(name, partitions=3):
        await admin.create_topics([NewTopic(prefix + name, partitions, 1)])
        made.append(prefix + name)
        return prefix + name

    try:
        yield make
    finally:
        if made:
            await admin.delete_topics(made)
        await admin.close()


@contextlib.asynccontextmanager
async def producer(engines):
    sender = AIOKafkaProducer(bootstrap_servers=engines.kafka, acks="all")
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


def event(number, **changes):
    envelope = {
        "id": str(uuid.uuid4()),
        "type": "order.created",
        "version": 1,
        "aggregate_id": f"order-{number}",
        "aggregate_version": 1,
        "occurred_at": "2026-11-22T10:00:00Z",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"total_minor": 100},
    }
    return msgspec.json.encode(envelope | changes)


async def caught_up(world, records):
    async def asked():
        _, report = await call(world, "GET", f"{world.catcher_url}/tap", expect=200)
        return report if report["caught_up"] and report["records"] >= records else None

    return await until(asked, f"the tap to have {records} records", within_s=20)


async def test_every_record_is_journalled_once_with_its_coordinates(tmp_path, engines, prefix, pattern):
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        topic = await make("orders")
        for i in range(200):
            await sender.send(topic, event(i), key=f"order-{i}".encode())
        await sender.flush()
        report = await caught_up(world, 200)
        lines = read_journals(tmp_path).tap
    assert len(lines) == 200
    assert len({(line.partition, line.offset) for line in lines}) == 200
    assert {line.key for line in lines} == {f"order-{i}" for i in range(200)}
    assert {(line.type, line.version, line.aggregate_version) for line in lines} == {("order.created", 1, 1)}
    assert all(line.key == line.aggregate_id and line.event_id for line in lines)
    assert lines[0].trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert sum(it["end_offset"] for it in report["partitions"]) == 200
    assert all(it["position"] == it["end_offset"] for it in report["partitions"])


async def test_an_event_is_found_by_the_order_its_data_names_whatever_its_aggregate(tmp_path, engines, prefix, pattern):
    named = {"of an order": {"order_id": "o1"}, "of none": {"order_id": None}, "silent": {}, "no object": [1]}
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        topic = await make("payments", 1)
        for told, data in named.items():
            await sender.send_and_wait(topic, event(0, aggregate_id=told, data=data))
        await caught_up(world, len(named))
    lines = read_journals(tmp_path).tap
    assert [(line.aggregate_id, line.order_id) for line in lines] == [
        ("of an order", "o1"), ("of none", ""), ("silent", ""), ("no object", ""),
    ]  # fmt: skip
    assert not any(line.undecodable for line in lines)


async def test_topics_made_later_are_read_from_their_beginning(tmp_path, engines, prefix, pattern):
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        first = await make("first")
        await sender.send_and_wait(first, event(1))
        await caught_up(world, 1)
        second = await make("second")
        await sender.send_and_wait(second, event(2))
        await caught_up(world, 2)
    assert [line.topic for line in read_journals(tmp_path).tap] == [first, second]


async def test_a_restarted_tap_goes_on_without_gap_or_repetition(tmp_path, engines, prefix, pattern):
    settings = {"kafka_bootstrap": engines.kafka, "tap_pattern": pattern}
    async with topics(engines, prefix) as make, producer(engines) as sender:
        topic = await make("orders")
        for i in range(50):
            await sender.send(topic, event(i))
        await sender.flush()
        async with running_world(tmp_path, **settings) as world:
            await caught_up(world, 50)
        for i in range(50, 80):
            await sender.send(topic, event(i))
        await sender.flush()
        async with running_world(tmp_path, **settings) as world:
            await caught_up(world, 80)
    lines = read_journals(tmp_path).tap
    assert [line.n for line in lines] == list(range(1, 81))
    assert len({(line.partition, line.offset) for line in lines}) == 80


async def test_what_is_no_event_is_journalled_as_undecodable(tmp_path, engines, prefix, pattern):
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        topic = await make("dead.orders", 1)
        headers = [("reason", b"undecodable")]
        for poison in (b"\xff\xfe", b"{", b"[]", b"{}", None):
            await sender.send_and_wait(topic, poison, key=b"k", headers=headers)
        await caught_up(world, 5)
    lines = read_journals(tmp_path).tap
    assert [line.undecodable for line in lines] == [True] * 5
    assert lines[0].headers == {"reason": "undecodable"}


async def test_topics_of_another_stack_are_left_alone(tmp_path, engines, prefix, pattern):
    async with (
        topics(engines, prefix) as make,
        topics(engines, "other-" + prefix) as make_other,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        await sender.send_and_wait(await make_other("orders"), event(1))
        own = await make("orders")
        await sender.send_and_wait(own, event(2))
        await caught_up(world, 1)
    assert [line.topic for line in read_journals(tmp_path).tap] == [own]


async def test_the_tap_waits_for_a_broker_that_is_not_there_yet(tmp_path, engines, prefix, pattern):
    door = FaultProxy("kafka", "127.0.0.1:0", engines.kafka)
    await door.start()
    await door.stop()
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=door.listen, tap_pattern=pattern) as world,
    ):
        await sender.send_and_wait(await make("orders"), event(1))
        _, report = await call(world, "GET", f"{world.catcher_url}/tap", expect=200)
        assert (report["connected"], report["caught_up"]) == (False, False)
        await door.start()
        await caught_up(world, 1)
        await door.stop()
    assert len(read_journals(tmp_path).tap) == 1


async def test_the_tap_keeps_up_with_thousands(tmp_path, engines, prefix, pattern):
    async with (
        topics(engines, prefix) as make,
        producer(engines) as sender,
        running_world(tmp_path, kafka_bootstrap=engines.kafka, tap_pattern=pattern) as world,
    ):
        topic = await make("orders", 4)
        sent = [await sender.send(topic, event(i), key=str(i).encode()) for i in range(5_000)]
        await asyncio.gather(*sent)
        await caught_up(world, 5_000)
    assert len(read_journals(tmp_path).tap) == 5_000
