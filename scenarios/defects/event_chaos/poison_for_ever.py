"""Planted: what cannot be read is tried again until it can."""

import asyncio
from typing import Any

import structlog

from scenarios.defects.card import DefectCard, Twins
from shared.contracts import PoisonError
from shared.kafka_consumer import WORLD_BACK_OFF_S, ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="poison-for-ever",
    title="Poison is retried for ever",
    parts=("analytics.consumer",),
    root_cause="Every error of a record is taken for one that passes; nothing bounds the attempts.",
    caught_by=("INV-18", "INV-11"),
    exposed_by="One record that is no event.",
    symptoms="The lag of one partition grows without end; the log repeats one line twice a second.",
    fix="Bounded attempts, then a dead letter with the reason; only what is proven to be the world's is waited for.",
    origin="Consumers whose loop has no exit but success.",
)

log = structlog.get_logger(__name__)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that never gives up."""
    runner: type[ConsumerRunner] = healthy

    class NeverGivesUp(runner):
        """The partition waits with it."""

        async def _apply_one(self, record: Any) -> None:
            while True:
                try:
                    await self._apply_in_one_transaction([record])
                except PoisonError as error:
                    log.warning("record_failed", error=repr(error), offset=record.offset)
                    await asyncio.sleep(WORLD_BACK_OFF_S)
                else:
                    return

    return NeverGivesUp


TWINS: Twins = {"analytics.consumer": twin}
