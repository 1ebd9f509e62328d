"""What the shipping service publishes. Aggregate: the shipment."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic
from shared.contracts.values import StockLine

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


class ShipmentLost(ShipmentFact, frozen=True, kw_only=True):
    """The carrier no longer knows where the parcel is; it may still be found."""

    type: ClassVar[str] = "shipment.lost"


class ReturnReceived(ShipmentFact, frozen=True, kw_only=True):
    """Goods of an order are back in the house: the parcel came back undelivered, or the customer sent them back.

    `shipment_id` is the parcel that brought them; of a return its own. The warehouse is empty where nobody said which.
    """

    type: ClassVar[str] = "return.received"
    lines: list[StockLine]
