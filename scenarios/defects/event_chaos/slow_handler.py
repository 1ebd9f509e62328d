"""Planted: a handler takes longer than the group waits for its member."""

import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="slow-handler",
    title="The handler is slower than the poll interval",
    parts=("analytics.consumer",),
    root_cause="A report is computed in the handler; meanwhile the member is taken for dead and its commit refused.",
    caught_by=("INV-11",),
    exposed_by="Any event, once the handler is slower than the session.",
    symptoms="Endless rebalances, the same batch again and again, a lag that never falls.",
    fix="Handlers store and return; slow work is a job. Batches are bounded, the interval is longer than one.",
    origin="max.poll.interval.ms exceeded, the commonest line in the logs of consumers.",
)

REPORT_S = 7.0
"""Longer than the session of a member."""
BATCH_S = 1.0
"""The partitions of one batch begin within this time."""


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that computes while it should answer."""
    runner: type[ConsumerRunner] = healthy

    class Computing(runner):
        """One report for each batch of records. Nothing else in the process runs meanwhile, the heartbeat neither."""

        _computed_at = 0.0

        async def _apply_partition(
            self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[Any]
        ) -> None:
            if time.monotonic() > self._computed_at + BATCH_S:
                time.sleep(REPORT_S)  # noqa: ASYNC251 the defect
                self._computed_at = time.monotonic()
            await super()._apply_partition(consumer, partition, records)

    return Computing


TWINS: Twins = {"analytics.consumer": twin}
