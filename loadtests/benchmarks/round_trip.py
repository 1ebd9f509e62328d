"""The floor of events: a bare record at the same pace through the same broker, acknowledged by all, to one reader."""

import asyncio
import time
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

LINGER_MS = 2
POLL_MS = 1_000
LATE_LIMIT_S = 30.0


async def round_trips(bootstrap: str, *, per_s: float, seconds: float) -> list[float]:
    """Milliseconds from before each record is sent until a consumer has it, on a topic of their own."""
    topic = f"floor.{uuid.uuid4().hex[:12]}"
    wanted = int(per_s * seconds)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=LINGER_MS, enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(seconds + LATE_LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(_send(producer, topic, wanted, per_s=per_s))
            received = group.create_task(_receive(consumer, wanted))
    finally:
        await consumer.stop()
        await producer.stop()
    return received.result()


async def _send(producer: AIOKafkaProducer, topic: str, wanted: int, *, per_s: float) -> None:
    began = time.perf_counter()
    for number in range(wanted):
        await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
        await producer.send(topic, repr(time.perf_counter()).encode())


async def _receive(consumer: AIOKafkaConsumer, wanted: int) -> list[float]:
    took_ms: list[float] = []
    while len(took_ms) < wanted:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            now = time.perf_counter()
            took_ms += [(now - float(record.value or b"nan")) * 1000 for record in records]
    return took_ms
