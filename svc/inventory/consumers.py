"""Which events move stock, and which say what may be stocked."""

from shared.contracts.catalog import ProductUpserted
from shared.contracts.orders import OrderCancelled, OrderCreated, OrderPaid
from shared.contracts.shipping import ReturnReceived
from shared.kafka_consumer import Subscription
from svc.inventory.parts import Parts


def subscription(parts: Parts) -> Subscription:
    """Event → handler."""
    return {
        ProductUpserted: parts.learn_skus,
        OrderCreated: parts.pin_hold,
        OrderPaid: parts.commit_hold,
        OrderCancelled: parts.release_hold,
        ReturnReceived: parts.take_back,
    }
