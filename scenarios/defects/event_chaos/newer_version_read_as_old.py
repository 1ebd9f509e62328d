"""Planted: the version of an event is never looked at; one of a newer release is read as one of today's."""

from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.contracts import EnvelopeHeader
from shared.kafka_consumer import ConsumerRunner
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork

CARD = DefectCard(
    id="newer-version-read-as-old",
    title="Version 2 is read as version 1",
    parts=("payments.consumer",),
    root_cause="The reader decodes what fits its struct and ignores the version, whose meaning has changed.",
    caught_by=("INV-18", "INV-14"),
    exposed_by="A topic with events of two releases.",
    symptoms="Payments for orders that nobody knows, of amounts that nobody agreed on.",
    fix="Refuse a version newer than the reader; the letter waits until the reader is as new.",
    origin="Schema registries without a compatibility check, tolerant readers that tolerate meaning.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer to which all versions are one."""
    runner: type[ConsumerRunner] = healthy

    class Tolerant(runner):
        """What fits is right."""

        async def _handle(self, uow: UnitOfWork, header: EnvelopeHeader) -> None:
            known = self._handlers[header.type][0].schema_version
            await super()._handle(uow, msgspec.structs.replace(header, version=known))

    return Tolerant


TWINS: Twins = {"payments.consumer": twin}
