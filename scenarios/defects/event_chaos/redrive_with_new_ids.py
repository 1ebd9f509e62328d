"""Planted: a redriven letter is published again under a new id, to whom it may concern."""

from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared import dead_letters
from shared.contracts import REGISTRY, decode_header
from shared.dead_letters import OpenLetter
from shared.ids import new_id
from shared.kafka_consumer import ConsumerRunner
from shared.kafka_producer import Message, Producer
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="redrive-with-new-ids",
    title="Redriving gives events new ids",
    parts=("inventory.consumer",),
    root_cause="The redrive copies a letter back to its topic as a new message; no consumer knows it again.",
    caught_by=("INV-14", "INV-13"),
    exposed_by="Dead letters that are redriven after their cause was mended.",
    symptoms="After a redrive customers of services that never had a problem get mails and parcels again.",
    fix="Apply the letter in its own consumer, under its own id, in the transaction that marks it as redriven.",
    origin="DLQ tools that move messages between queues.",
)


def twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A consumer that sends its letters back."""
    runner: type[ConsumerRunner] = healthy

    class SendsBack(runner):
        """The topic is read by others too."""

        async def _redrive_one(self, letter: OpenLetter, blocked: set[str]) -> bool:
            del blocked
            try:
                header = decode_header(letter.payload)
            except Exception:  # noqa: BLE001 no envelope, nothing to send
                return False
            envelope: dict[str, Any] = msgspec.json.decode(letter.payload)
            copy = msgspec.json.encode({**envelope, "id": str(new_id())})
            producer = Producer(settings.kafka_bootstrap, client_id=f"{settings.instance}-redrive")
            await producer.send([Message(REGISTRY[header.type].topic.name, header.aggregate_id, copy)])
            await producer.close()
            async with self._database.begin() as uow:
                await dead_letters.mark_redriven(uow.connection, letter.id)
            return True

    return SendsBack


TWINS: Twins = {"inventory.consumer": twin}
