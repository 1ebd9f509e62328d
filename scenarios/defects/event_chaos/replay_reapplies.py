"""Planted: who replays wants everything again, mails included."""

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
from svc.notifications.domain import Letter
from svc.notifications.handlers import Letters

CARD = DefectCard(
    id="replay-reapplies",
    title="A replay applies effects again",
    parts=("notifications.consumer", "notifications.letters"),
    root_cause="A rewound consumer forgets what it has applied, as a projection must; its effects are none.",
    caught_by=("INV-17",),
    exposed_by="A group whose offsets are set back.",
    symptoms="After a replay every customer gets the mails of the last days once more.",
    fix="Only projections are rebuilt from the log; effects outside have an inbox that a replay does not forget.",
    origin="kafka-consumer-groups --reset-offsets on a service with side effects.",
)


def consumer_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A consumer that is new to everything once it was rewound."""
    runner: type[ConsumerRunner] = healthy

    class Replaying(runner):
        """Its inbox counts for nothing after a rewind."""

        _replaying = False

        async def _go_back(self, consumer: Any, wish: Any) -> int:
            self._replaying = True
            return await super()._go_back(consumer, wish)

        async def _apply_in_one_transaction(self, records: Sequence[Any]) -> None:
            if not self._replaying:
                await super()._apply_in_one_transaction(records)
                return
            wanted = [header for record in records if (header := self._wanted(record)) is not None]
            if not wanted:
                return
            async with self._database.begin() as uow:
                await inbox.claim(uow.connection, self._service, wanted)
                for header in wanted:
                    await self._handle(uow, header)

    return Replaying


def letters_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Letters under ids of their own."""
    letters: type[Letters] = healthy

    class Anew(letters):
        """Each letter is a new one."""

        async def _queue(self, uow: UnitOfWork, envelope: Envelope[Any], letter: Letter) -> None:
            await super()._queue(uow, envelope, msgspec.structs.replace(letter, event_id=new_id()))

    return Anew


TWINS: Twins = {"notifications.consumer": consumer_twin, "notifications.letters": letters_twin}
