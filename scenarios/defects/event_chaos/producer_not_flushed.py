"""Planted: a message counts as sent once it is in the producer's buffer, and a process that ends drops it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.errors import BrokerUnavailableError
from shared.kafka_producer import Message, Producer
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="producer-not-flushed",
    title="The producer is not flushed at the stop",
    parts=("inventory.producer",),
    root_cause="Sending returns when the message is buffered; nobody waits for acknowledgements or flushes the buffer.",
    caught_by=("INV-13",),
    exposed_by="A process that is stopped or killed under load.",
    symptoms="With every deployment the last second of events is missing; their rows say that they were sent.",
    fix="Mark a row as sent when the broker has acknowledged it, and flush before the end.",
    origin="Fire-and-forget producers with linger.ms.",
)

LINGER_S = 1.5


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A producer that says yes too early."""
    producer: type[Producer] = healthy

    class Buffering(producer):
        """What is in the buffer is nowhere else."""

        _waiting: list[Message] | None = None
        _flushing: asyncio.Task[None] | None = None

        async def send(self, messages: Sequence[Message]) -> None:
            if self._waiting is None:
                self._waiting = []
                self._flushing = asyncio.create_task(self._flush_for_ever(self._waiting))
            self._waiting.extend(messages)

        async def _flush_for_ever(self, waiting: list[Message]) -> None:
            while True:
                await asyncio.sleep(LINGER_S)
                batch = waiting[:]
                try:
                    await super().send(batch)
                except BrokerUnavailableError:
                    continue
                del waiting[: len(batch)]

        async def close(self) -> None:
            if self._flushing is not None:
                self._flushing.cancel()
            await super().close()

    return Buffering


TWINS: Twins = {"inventory.producer": twin}
