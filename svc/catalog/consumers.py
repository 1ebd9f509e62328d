"""Which events change what the catalog shows: stock, and its own changes."""

from shared.contracts.catalog import PriceChanged, ProductDeleted, ProductUpserted
from shared.contracts.inventory import (
    InventoryCommitted,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    StockAdjusted,
)
from shared.kafka_consumer import Subscription
from svc.catalog.handlers import Forget, Forgetting
from svc.catalog.parts import Parts


def subscription(parts: Parts, forget: Forget) -> Subscription:
    """The events and their parts; the pages of a product go by all that is told of it."""
    forgetting = Forgetting(forget)
    return {
        InventoryReserved: parts.note_reservation,
        InventoryRejected: parts.note_reservation,
        InventoryReleased: parts.note_reservation,
        InventoryCommitted: parts.note_reservation,
        StockAdjusted: parts.note_stock,
        ProductUpserted: forgetting.handle,
        ProductDeleted: forgetting.handle,
        PriceChanged: forgetting.handle,
    }
