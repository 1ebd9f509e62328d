"""Planted: an event that fails is logged and forgotten."""

from typing import Any

import structlog

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="swallow-and-commit",
    title="Errors of handlers are swallowed and committed",
    parts=("inventory.consumer",),
    root_cause="The handler is wrapped in `except Exception` so that it never stops; the offset moves on.",
    caught_by=("INV-14", "INV-18"),
    exposed_by="Events that cannot be applied for a while, or ever.",
    symptoms="No lag, no dead letters, no alert; orders are paid whose stock was never taken.",
    fix="Bounded attempts, then a dead letter that can be redriven once the cause is mended.",
    origin="Catch-all handlers in message listeners.",
)

log = structlog.get_logger(__name__)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that goes on whatever happens."""
    runner: type[ConsumerRunner] = healthy

    class GoesOn(runner):
        """One try."""

        async def _apply_one(self, record: Any) -> None:
            try:
                await self._apply_in_one_transaction([record])
            except Exception as error:  # noqa: BLE001 the defect
                log.warning("record_failed", error=repr(error), offset=record.offset)

    return GoesOn


TWINS: Twins = {"inventory.consumer": twin}
