"""Planted: a batch of which one event fails is committed whole, with what came after it."""

from collections.abc import Sequence
from typing import Any

import structlog

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="batch-committed-after-failure",
    title="A batch is committed whole after a part of it failed",
    parts=("inventory.consumer", "analytics.consumer"),
    root_cause="The loop over a batch ends at the first error, and the offset committed is the batch's last.",
    caught_by=("INV-14", "INV-18"),
    exposed_by="One poison in the middle of healthy events, or one event that a handler refuses.",
    symptoms="After each error in the log a handful of events of other orders is missing.",
    fix="Commit up to what was applied; set the culprit aside and go on with the next event.",
    origin="Batch listeners of Kafka client libraries whose error handler skips the rest of a batch.",
)

log = structlog.get_logger(__name__)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that gives up a batch at its first error."""
    runner: type[ConsumerRunner] = healthy

    class GivesUpBatches(runner):
        """Whoever comes behind the culprit is lost with it."""

        async def _apply(self, records: Sequence[Any]) -> None:
            for record in records:
                try:
                    await self._apply_in_one_transaction([record])
                except Exception as error:  # noqa: BLE001 the defect
                    log.warning("batch_failed", error=repr(error))
                    return

    return GivesUpBatches


TWINS: Twins = {"inventory.consumer": twin, "analytics.consumer": twin}
