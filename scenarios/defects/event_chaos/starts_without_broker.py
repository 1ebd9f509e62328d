"""Planted: a consumer that finds no broker gives up after two tries, and the service goes on without it."""

import asyncio
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_consumer import RECONNECT_DELAY_S, ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="starts-without-broker",
    title="The service starts without the broker and calls itself healthy",
    parts=("analytics.consumer",),
    root_cause="Connecting is tried twice, then the consumer is skipped with a warning; health does not ask for it.",
    caught_by=("INV-14", "INV-11"),
    exposed_by="A broker that is away while the service starts.",
    symptoms="All green, and the lag of one group grows until somebody restarts it.",
    fix="Reconnect for as long as it takes, and be not ready meanwhile.",
    origin="The incident's own report: gave up after two tries, healthy by its own word.",
)

TRIES = 2

log = structlog.get_logger(__name__)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that gives up for good."""
    runner: type[ConsumerRunner] = healthy

    class GivesUp(runner):
        """Two tries."""

        async def run(self) -> None:
            for _ in range(TRIES):
                try:
                    await self._run_connected()
                except (KafkaError, OSError) as error:
                    log.warning("consumer_skipped", error=repr(error))
                await asyncio.sleep(RECONNECT_DELAY_S)
            await asyncio.Event().wait()

        def health(self) -> tuple[bool, str]:
            return True, "up"

    return GivesUp


TWINS: Twins = {"analytics.consumer": twin}
