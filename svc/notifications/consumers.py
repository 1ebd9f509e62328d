"""Which events customers are told about."""

from shared.contracts.auth import UserDeleted, UserRegistered
from shared.contracts.orders import OrderCancelled, OrderCreated, OrderPaid, OrderRefunded, OrderShipped
from shared.contracts.payments import DuplicateReturned
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from svc.notifications.handlers import Letters


def subscription(letters: Letters, erasure: Erasure) -> Subscription:
    """Event → letter."""
    return {
        UserRegistered: letters.welcome,
        OrderCreated: letters.confirm_order,
        OrderPaid: letters.confirm_payment,
        OrderShipped: letters.announce_shipment,
        OrderCancelled: letters.explain_cancellation,
        OrderRefunded: letters.confirm_refund,
        DuplicateReturned: letters.regret_duplicate,
        UserDeleted: erasure.forget,
    }
