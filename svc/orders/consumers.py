"""Which events move orders."""

from datetime import timedelta
from functools import partial

from shared.contracts.inventory import InventoryRejected, InventoryReleased
from shared.contracts.payments import PaymentFailed, PaymentProcessed, PaymentRefunded
from shared.contracts.shipping import ShipmentCreated, ShipmentDelivered, ShipmentDispatched
from shared.kafka_consumer import Subscription
from svc.orders.handlers import facts
from svc.orders.settings import Settings


def subscription(config: Settings) -> Subscription:
    """Event → handler; a cancellation that a fact causes has `compensating_s` to be undone."""
    patience = timedelta(seconds=config.compensating_s)
    return {
        PaymentProcessed: partial(facts.take_payment, patience=patience),
        PaymentFailed: partial(facts.fail_payment, patience=patience),
        PaymentRefunded: partial(facts.refund_payment, patience=patience),
        InventoryRejected: partial(facts.lose_stock, patience=patience),
        InventoryReleased: partial(facts.release_stock, patience=patience),
        ShipmentCreated: partial(facts.see_shipment_created, patience=patience),
        ShipmentDispatched: partial(facts.see_dispatch, patience=patience),
        ShipmentDelivered: partial(facts.see_delivery, patience=patience),
    }
