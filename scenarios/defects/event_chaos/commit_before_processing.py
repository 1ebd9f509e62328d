"""Planted: offsets are committed as soon as the records are read; what is under way at a kill is never seen again."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="commit-before-processing",
    title="Offsets are committed before the events are applied",
    parts=("inventory.consumer",),
    root_cause="The consumer commits what it has read and applies it afterwards, as automatic commits do.",
    caught_by=("INV-14",),
    exposed_by="A consumer that is killed while it has something in hand.",
    symptoms="Now and then an order is paid, and its stock stays reserved for ever; lag is 0.",
    fix="Commit a partition's offset after the transaction of the effect, and let the inbox refuse what comes again.",
    origin="enable.auto.commit=true, the default of most Kafka clients.",
)

WORK_S = 0.4
"""What a batch takes once it was committed."""


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that commits first."""
    runner: type[ConsumerRunner] = healthy

    class CommitsFirst(runner):
        """At most once."""

        async def _apply_partition(
            self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[Any]
        ) -> None:
            await consumer.commit({partition: records[-1].offset + 1})
            await asyncio.sleep(WORK_S)
            await super()._apply_partition(consumer, partition, records)

    return CommitsFirst


TWINS: Twins = {"inventory.consumer": twin}
