"""Planted: whoever processes the dead letters reads them, ticks them off and drops them."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared import dead_letters
from shared.dead_letters import OpenLetter
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="redrive-reads-and-drops",
    title="The dead-letter processor reads and drops",
    parts=("inventory.consumer",),
    root_cause="The processor logs each letter and marks it as done; applying it was to come in a later sprint.",
    caught_by=("INV-14",),
    exposed_by="Dead letters that are redriven.",
    symptoms="The queue of dead letters empties nicely; the orders in it stay as they were.",
    fix="A letter is done when its event was applied, in one transaction with that.",
    origin="DLQ consumers written to silence an alert.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that ticks off."""
    runner: type[ConsumerRunner] = healthy

    class TicksOff(runner):
        """Read is done."""

        async def _redrive_one(self, letter: OpenLetter, blocked: set[str]) -> bool:
            del blocked
            async with self._database.begin() as uow:
                await dead_letters.mark_redriven(uow.connection, letter.id)
            return True

    return TicksOff


TWINS: Twins = {"inventory.consumer": twin}
