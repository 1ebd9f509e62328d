"""Which events people and programs of sellers are told about."""

from typing import Any

from shared.contracts import Envelope
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
from shared.kafka_consumer import Handler, Subscription
from shared.unit_of_work import UnitOfWork
from svc.notifications.handlers.letters import Letters
from svc.notifications.handlers.sellers import SellerNews


def subscription(letters: Letters, news: SellerNews, erasure: Erasure) -> Subscription:
    """Event → letter, and webhooks."""
    return {
        RegistrationRequested: letters.ask_for_proof,
        RegistrationRepeated: letters.tell_of_repeat,
        UserRegistered: letters.welcome,
        PasswordResetRequested: letters.allow_reset,
        CredentialsChanged: letters.warn_of_change,
        OrderCreated: letters.confirm_order,
        OrderPaid: _both(letters.confirm_payment, news.tell),
        OrderShipped: letters.announce_shipment,
        OrderCancelled: _both(letters.explain_cancellation, news.tell),
        OrderRefunded: letters.confirm_refund,
        DuplicateReturned: letters.regret_duplicate,
        ReportReady: letters.send_report,
        UserDeleted: erasure.forget,
    }


def _both(first: Handler, second: Handler) -> Handler:
    async def handle(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        await first(uow, envelope)
        await second(uow, envelope)

    return handle
