"""Planted: nobody remembers which events were counted; each delivery is one more."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared import inbox
from shared.contracts import Envelope
from shared.ids import new_id
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.analytics.handlers import Recorder

CARD = DefectCard(
    id="no-inbox",
    title="A consumer applies every delivery",
    parts=("analytics.consumer", "analytics.recorder"),
    root_cause="The consumer trusts the broker to deliver once, and its store gives every delivery a key of its own.",
    caught_by=("INV-16",),
    exposed_by="Events that come again: a duplicate, a rewound group, a consumer killed before its commit.",
    symptoms="Revenue grows with every restart; the same payment shows two and three times.",
    fix="One inbox row per consumer and event in the transaction of the effect, and the event's id as its key.",
    origin="At-least-once delivery read as exactly-once.",
)


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
    """A store whose keys are its own."""
    recorder: type[Recorder] = healthy

    class KeepsEachDelivery(recorder):
        """One row per delivery."""

        async def record(self, uow: UnitOfWork, envelope: Envelope[Any]) -> None:
            await super().record(uow, msgspec.structs.replace(envelope, id=new_id()))

    return KeepsEachDelivery


TWINS: Twins = {"analytics.consumer": consumer_twin, "analytics.recorder": recorder_twin}
