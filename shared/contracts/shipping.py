"""What the shipping service publishes. Aggregate: the shipment."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic

TOPIC = Topic(name="shipping.events")


class ShipmentFact(Event, frozen=True, kw_only=True):
    """One parcel of an order."""

    topic: ClassVar[Topic] = TOPIC
    shipment_id: UUID
    order_id: UUID
    customer_id: UUID
    email: str
    order_number: str
    carrier: str
    tracking_number: str


class ShipmentCreated(ShipmentFact, frozen=True, kw_only=True):
    """The label is printed."""

    type: ClassVar[str] = "shipment.created"


class ShipmentDispatched(ShipmentFact, frozen=True, kw_only=True):
    """Handed over to the carrier."""

    type: ClassVar[str] = "shipment.dispatched"


class ShipmentDelivered(ShipmentFact, frozen=True, kw_only=True):
    """The carrier says it arrived."""

    type: ClassVar[str] = "shipment.delivered"
