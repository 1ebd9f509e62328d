"""Planted: a redriven letter is published again under a new id, to whom it may concern."""

from datetime import datetime
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared import dead_letters
from shared.contracts import REGISTRY, decode_header
from shared.dead_letters import OpenLetter
from shared.ids import new_id
from shared.kafka_consumer import ConsumerRunner, Redriven
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

        async def redrive(self, *, letters_max: int, since: datetime | None = None) -> Redriven:
            copies: list[Message] = []
            letters = await self._untried_letters([], letters_max=letters_max, since=since)
            async with self._database.begin() as uow:
                for letter in letters:
                    if (copy := _copy_of(letter)) is not None:
                        copies.append(copy)
                        await dead_letters.mark_redriven(uow.connection, letter.id)
            producer = Producer(settings.kafka_bootstrap, client_id=f"{settings.instance}-redrive")
            await producer.send(copies)
            await producer.close()
            return Redriven(len(copies), len(letters) - len(copies))

    return SendsBack


def _copy_of(letter: OpenLetter) -> Message | None:
    try:
        header = decode_header(letter.payload)
    except Exception:  # noqa: BLE001 no envelope, nothing to send
        return None
    envelope: dict[str, Any] = msgspec.json.decode(letter.payload)
    copy = msgspec.json.encode({**envelope, "id": str(new_id())})
    return Message(REGISTRY[header.type].topic.name, header.aggregate_id, copy)


TWINS: Twins = {"inventory.consumer": twin}
