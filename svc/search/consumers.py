"""Which events change what is found: products (the indexer is woken), what is left of a SKU, what is bought."""

from collections.abc import Callable
from typing import Any

from shared.contracts import Envelope
from shared.contracts.catalog import PriceChanged, ProductDeleted, ProductUpserted
from shared.contracts.inventory import (
    InventoryCommitted,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    StockAdjusted,
)
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.kafka_consumer import Handler, Subscription
from shared.unit_of_work import UnitOfWork
from svc.search.parts import Parts


def subscription(parts: Parts, wake_indexer: Callable[[], None]) -> Subscription:
    """The events and their parts."""
    return {
        ProductUpserted: _waking(parts.keep_product, wake_indexer),
        ProductDeleted: _waking(parts.forget_product, wake_indexer),
        PriceChanged: _waking(parts.change_price, wake_indexer),
        InventoryReserved: parts.note_reservation,
        InventoryRejected: parts.note_reservation,
        InventoryReleased: parts.note_reservation,
        InventoryCommitted: parts.note_reservation,
        StockAdjusted: parts.note_stock,
        OrderPaid: parts.note_sale,
        OrderCancelled: parts.note_cancellation,
    }


def _waking(handler: Handler, wake_indexer: Callable[[], None]) -> Handler:
    async def handle(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        await handler(uow, envelope)
        uow.after_commit(wake_indexer)

    return handle
