"""What the inventory service publishes. Aggregates: the reservation, and the stock of a SKU at a warehouse."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.envelope import Event, Topic
from shared.contracts.values import StockLine

TOPIC = Topic(name="inventory.events")


class ReservationFact(Event, frozen=True, kw_only=True):
    """The reservation's id is the order's id."""

    topic: ClassVar[Topic] = TOPIC
    reservation_id: UUID
    order_id: UUID
    customer_id: UUID
    lines: list[StockLine]


class InventoryReserved(ReservationFact, frozen=True, kw_only=True):
    """All lines are held until `expires_at`."""

    type: ClassVar[str] = "inventory.reserved"
    expires_at: datetime


class InventoryRejected(ReservationFact, frozen=True, kw_only=True):
    """An order came for a hold that had ended, and its stock could not be held again."""

    type: ClassVar[str] = "inventory.rejected"
    reason: str


class InventoryReleased(ReservationFact, frozen=True, kw_only=True):
    """The units are free again; `reason` is `released`, `expired`, or `restocked` after a sale that was undone."""

    type: ClassVar[str] = "inventory.released"
    reason: str


class InventoryCommitted(ReservationFact, frozen=True, kw_only=True):
    """The held units are sold and have left the stock."""

    type: ClassVar[str] = "inventory.committed"


class StockAdjusted(Event, frozen=True, kw_only=True):
    """Goods were received or counted; figures are those after the change.

    `quantity` is the change of `on_hand`, below 0 when units went; 0 where a release of before did not say it.
    """

    type: ClassVar[str] = "stock.adjusted"
    topic: ClassVar[Topic] = TOPIC
    sku: str
    warehouse: str
    on_hand: int
    available: int
    quantity: int = 0


class StockLow(Event, frozen=True, kw_only=True):
    """Fewer units than `low_at` are free at a warehouse; told once until there were enough again."""

    type: ClassVar[str] = "stock.low"
    topic: ClassVar[Topic] = TOPIC
    sku: str
    warehouse: str
    on_hand: int
    available: int
    low_at: int
