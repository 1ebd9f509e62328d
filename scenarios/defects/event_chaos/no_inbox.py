"""Planted: nobody remembers which events were counted; each delivery counts once more."""

from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared import inbox
from shared.contracts import Envelope
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.analytics.handlers import Recorder

CARD = DefectCard(
    id="no-inbox",
    title="A consumer applies every delivery",
    parts=("analytics.consumer", "analytics.recorder"),
    root_cause="The consumer trusts the broker to deliver once, and every delivery is folded into the figures.",
    caught_by=("INV-16",),
    exposed_by="Events that come again: a duplicate, a rewound group, a consumer killed before its commit.",
    symptoms="Revenue grows with every restart; the same payment shows two and three times.",
    fix="One inbox row per consumer and event in the transaction of the effect, and the event's id as its key.",
    origin="At-least-once delivery read as exactly-once.",
)

_COUNT_AGAIN = """
    INSERT INTO unprojected (position, occurred_at) SELECT position, occurred_at FROM events WHERE id = $1
    ON CONFLICT DO NOTHING
"""


def consumer_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that hands every delivery to its handlers."""
    runner: type[ConsumerRunner] = healthy

    class AppliesAll(runner):
        """It notes down what it applied and never looks."""

        async def _apply_in_one_transaction(self, records: Sequence[Any]) -> None:
            wanted = [header for record in records if (header := self._wanted(record)) is not None]
            if not wanted:
                return
            async with self._database.begin() as uow:
                for header in wanted:
                    await self._handle(uow, header)
                await inbox.claim(uow.connection, self._service, wanted)
            self.applied += len(wanted)

    return AppliesAll


def recorder_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A store that hands every delivery to the projections."""
    recorder: type[Recorder] = healthy

    class CountsEachDelivery(recorder):
        """Known or not, it is folded in."""

        async def record(self, uow: UnitOfWork, envelope: Envelope[Any]) -> None:
            await super().record(uow, envelope)
            await uow.connection.execute(_COUNT_AGAIN, envelope.id)

    return CountsEachDelivery


TWINS: Twins = {"analytics.consumer": consumer_twin, "analytics.recorder": recorder_twin}
