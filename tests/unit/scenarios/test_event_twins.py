"""The twins of consumers and producers break what their cards say, above runners that note what is asked of them."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka import TopicPartition

from scenarios.defects import catalogue
from scenarios.faults.events import poisons
from shared.contracts import PoisonError, decode_header
from shared.contracts.orders import OrderCreated
from shared.kafka_consumer import ConsumerRunner
from shared.kafka_producer import Message, Producer

PARTITION = TopicPartition("orders.events", 0)
CULPRIT = SimpleNamespace(offset=2, name="culprit")
RECORDS: list[Any] = [SimpleNamespace(offset=1, name="first"), CULPRIT, SimpleNamespace(offset=3, name="behind")]
SETTINGS: Any = SimpleNamespace(kafka_bootstrap="nowhere:1", instance="inventory-1", prefix="")


class Noting(ConsumerRunner):
    """Applies by noting, and cannot apply the culprit."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._handlers: Any = {OrderCreated.type: (OrderCreated, None)}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.said.append(f"commit {offsets[PARTITION]}")

    async def _apply_partition(self, consumer: Any, partition: TopicPartition, records: Sequence[Any]) -> None:
        self.said.append(f"apply {len(records)} of {partition.partition}")

    async def _apply_in_one_transaction(self, records: Sequence[Any]) -> None:
        if CULPRIT in records:
            raise PoisonError("undecodable", "no event")
        self.said.extend(f"applied {record.name}" for record in records)

    async def _bury(self, record: Any, reason: str, detail: str, *, attempts: int) -> None:
        self.said.append(f"buried {record.name}")

    async def _handle(self, uow: Any, header: Any) -> None:
        self.said.append(f"handled version {header.version}")

    async def _run_connected(self) -> None:
        self.said.append("tried")
        raise OSError("no broker")


class Sent(Producer):
    """Sends by noting."""

    sent: ClassVar[list[Message]] = []

    async def send(self, messages: Sequence[Message]) -> None:
        self.sent.extend(messages)


def broken(defect: str, part: str, healthy: type) -> Any:
    """An instance of the twin above a healthy class of this test."""
    return catalogue.twins_of(defect)[part](healthy, SETTINGS)


async def test_the_healthy_runner_applies_around_the_culprit_and_buries_it() -> None:
    runner: Any = Noting()
    await runner._apply(RECORDS)
    assert runner.said == ["applied first", "buried culprit", "applied behind"]


async def test_the_commit_comes_before_the_work() -> None:
    runner = broken("commit-before-processing", "inventory.consumer", Noting)()
    await runner._apply_partition(runner, PARTITION, RECORDS)
    assert runner.said == ["commit 4", "apply 3 of 0"]


async def test_who_comes_behind_the_culprit_is_lost_with_it() -> None:
    runner = broken("batch-committed-after-failure", "analytics.consumer", Noting)()
    await runner._apply(RECORDS)
    assert runner.said == ["applied first"]


async def test_an_error_is_swallowed() -> None:
    runner = broken("swallow-and-commit", "inventory.consumer", Noting)()
    await runner._apply(RECORDS)
    assert runner.said == ["applied first", "applied behind"]


async def test_poison_is_tried_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.defects.event_chaos.poison_for_ever.WORLD_BACK_OFF_S", 0.0)
    runner = broken("poison-for-ever", "analytics.consumer", Noting)()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await runner._apply(RECORDS)
    assert runner.said == ["applied first"]


async def test_a_version_of_tomorrow_is_handled_as_one_of_today() -> None:
    runner = broken("newer-version-read-as-old", "payments.consumer", Noting)()
    (value,) = (value for reason, value in poisons() if reason == "newer_version")
    assert value is not None
    await runner._handle(None, decode_header(value))
    assert runner.said == [f"handled version {OrderCreated.schema_version}"]


async def test_a_consumer_without_a_broker_gives_up_and_calls_itself_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.defects.event_chaos.starts_without_broker.RECONNECT_DELAY_S", 0.0)
    runner = broken("starts-without-broker", "analytics.consumer", Noting)()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await runner.run()
    assert runner.said == ["tried", "tried"]
    assert runner.health()[0]


async def test_no_message_has_a_key() -> None:
    Sent.sent.clear()
    await broken("missing-key", "orders.producer", Sent)("nowhere:1", client_id="x").send(
        [Message("t", "order-1", b"")]
    )
    assert [message.key for message in Sent.sent] == [""]


async def test_what_is_buffered_counts_as_sent_and_is_dropped_at_the_end() -> None:
    Sent.sent.clear()
    producer = broken("producer-not-flushed", "inventory.producer", Sent)("nowhere:1", client_id="x")
    await producer.send([Message("t", "order-1", b"")])
    await producer.close()
    assert Sent.sent == []
