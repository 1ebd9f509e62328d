"""Which events move orders."""

from datetime import timedelta
from functools import partial

from shared.contracts.auth import UserDeleted
from shared.contracts.inventory import InventoryRejected, InventoryReleased
from shared.contracts.payments import (
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
    RefundReversed,
)
from shared.contracts.shipping import (
    ReturnReceived,
    ShipmentCreated,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
)
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from svc.orders.handlers.facts import note_loss
from svc.orders.parts import Parts
from svc.orders.settings import Settings


def subscription(parts: Parts, config: Settings, erasure: Erasure) -> Subscription:
    """Event → handler; a cancellation that a fact causes has `compensating_s` to be undone."""
    patience = timedelta(seconds=config.compensating_s)
    return {
        PaymentProcessed: partial(parts.take_payment, patience=patience),
        PaymentFailed: partial(parts.fail_payment, patience=patience),
        PaymentRefunded: partial(parts.refund_payment, patience=patience),
        RefundReversed: partial(parts.reverse_refund, patience=patience),
        PaymentRefundFailed: partial(parts.fail_refund, patience=patience),
        PaymentDisputed: partial(parts.note_dispute, patience=patience),
        InventoryRejected: partial(parts.lose_stock, patience=patience),
        InventoryReleased: partial(parts.release_stock, patience=patience),
        ShipmentCreated: partial(parts.see_shipment_created, patience=patience),
        ShipmentDispatched: partial(parts.see_dispatch, patience=patience),
        ShipmentDelivered: partial(parts.see_delivery, patience=patience),
        ShipmentLost: note_loss,
        ReturnReceived: partial(parts.take_return, patience=patience),
        UserDeleted: erasure.forget,
    }
