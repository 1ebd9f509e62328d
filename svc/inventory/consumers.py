"""Which events move stock."""

from shared.contracts.orders import OrderCancelled, OrderCreated, OrderPaid
from shared.kafka_consumer import Subscription
from svc.inventory import handlers

SUBSCRIPTION: Subscription = {
    OrderCreated: handlers.pin_hold,
    OrderPaid: handlers.commit_hold,
    OrderCancelled: handlers.release_hold,
}
