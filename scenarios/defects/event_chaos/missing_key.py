"""Planted: records carry no key, so that the events of one order may lie in any partition."""

from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.kafka_producer import Message, Producer
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="missing-key",
    title="Records without a key",
    parts=("orders.producer",),
    root_cause="The producer sends values only; the key that keeps an order's events together was forgotten.",
    caught_by=("INV-13",),
    exposed_by="Any load; the order is lost as soon as there is more than one partition.",
    symptoms="An order is handled as shipped before it is paid, more often the more partitions there are.",
    fix="The aggregate's id is the key of each of its events.",
    origin="producer.send(topic, value) in a hurry.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A producer that forgets the key."""
    producer: type[Producer] = healthy

    class Keyless(producer):
        """Values only."""

        async def send(self, messages: Sequence[Message]) -> None:
            await super().send([message._replace(key="") for message in messages])

    return Keyless


TWINS: Twins = {"orders.producer": twin}
