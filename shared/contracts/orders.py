"""What the orders service publishes. Aggregate: the order."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic
from shared.contracts.values import Address, OrderLine

TOPIC = Topic(name="orders.events")


class OrderFact(Event, frozen=True, kw_only=True):
    """What every order event repeats, so that no consumer has to ask back."""

    topic: ClassVar[Topic] = TOPIC
    order_id: UUID
    order_number: str
    customer_id: UUID
    email: str
    currency: str
    total_minor: int


class OrderCreated(OrderFact, frozen=True, kw_only=True):
    """The customer's order is stored and its stock is held.

    `quote_id` names the quote at which its prices were converted; absent where they were not. `shipping_quote_id`
    names shipping's quote that it was placed at.
    """

    type: ClassVar[str] = "order.created"
    lines: list[OrderLine]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    payment_method: str
    shipping_address: Address
    shipping_method: str
    placed_at: datetime
    quote_id: UUID | None = None
    shipping_quote_id: UUID | None = None


class OrderPaid(OrderFact, frozen=True, kw_only=True):
    """The money is captured; stock may be committed and goods shipped, as `shipping_quote_id` quoted."""

    type: ClassVar[str] = "order.paid"
    payment_id: UUID
    lines: list[OrderLine]
    shipping_address: Address
    shipping_method: str
    shipping_quote_id: UUID | None = None


class OrderShipped(OrderFact, frozen=True, kw_only=True):
    """The carrier has the goods."""

    type: ClassVar[str] = "order.shipped"
    shipment_id: UUID
    carrier: str
    tracking_number: str


class OrderCompleted(OrderFact, frozen=True, kw_only=True):
    """The goods are delivered and nothing is open."""

    type: ClassVar[str] = "order.completed"


class OrderCancelled(OrderFact, frozen=True, kw_only=True):
    """The order will not be fulfilled; holds are released and captures refunded."""

    type: ClassVar[str] = "order.cancelled"
    reason: str
    lines: list[OrderLine]


class OrderRefunded(OrderFact, frozen=True, kw_only=True):
    """Money went back; `refunded_minor` is the sum so far. `corrects_price`: it was charged too much by our mistake."""

    type: ClassVar[str] = "order.refunded"
    refunded_minor: int
    corrects_price: bool = False


class ReturnCompleted(OrderFact, frozen=True, kw_only=True):
    """Goods of the order came back; `amount_minor` is what the customer paid for them and is owed for this return.

    `return_id` is the parcel that brought them, of which nobody is told twice.
    """

    type: ClassVar[str] = "return.completed"
    return_id: UUID
    amount_minor: int
