"""Which events people are told about."""

from shared.contracts.analytics import ReportReady
from shared.contracts.auth import (
    CredentialsChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    RegistrationRequested,
    UserDeleted,
    UserRegistered,
)
from shared.contracts.orders import OrderCancelled, OrderCreated, OrderPaid, OrderRefunded, OrderShipped
from shared.contracts.payments import DuplicateReturned
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from svc.notifications.handlers import Letters


def subscription(letters: Letters, erasure: Erasure) -> Subscription:
    """Event → letter."""
    return {
        RegistrationRequested: letters.ask_for_proof,
        RegistrationRepeated: letters.tell_of_repeat,
        UserRegistered: letters.welcome,
        PasswordResetRequested: letters.allow_reset,
        CredentialsChanged: letters.warn_of_change,
        OrderCreated: letters.confirm_order,
        OrderPaid: letters.confirm_payment,
        OrderShipped: letters.announce_shipment,
        OrderCancelled: letters.explain_cancellation,
        OrderRefunded: letters.confirm_refund,
        DuplicateReturned: letters.regret_duplicate,
        ReportReady: letters.send_report,
        UserDeleted: erasure.forget,
    }
