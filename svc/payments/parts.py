"""The replaceable parts of payments."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.kafka_consumer import Handler
from shared.money import Money
from shared.service_parts import ServiceParts
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.payments.clients import HttpExchange, HttpPsp, Psp
from svc.payments.domain import ChargeOutcome, RefundOutcome
from svc.payments.handlers import orders
from svc.payments.handlers.charging import charge
from svc.payments.handlers.outcomes import Apply, apply_outcome
from svc.payments.handlers.refunding import apply_refund_outcome, request_refund, send_refund
from svc.payments.handlers.webhooks import ApplyTo, apply_webhook, record_webhook
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund


class RequestRefund(Protocol):
    async def __call__(
        self, uow: UnitOfWork, payment_id: UUID, *, amount: Money | None, reason: str, requested_by: str
    ) -> Refund: ...


class ApplyWebhook(Protocol):
    async def __call__(
        self, uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo
    ) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    psp: type[HttpPsp] = HttpPsp
    """The calls to the payment provider."""
    exchange: type[HttpExchange] = HttpExchange
    """The calls to the source of exchange rates."""
    charge: Callable[[Psp, Payment], Awaitable[ChargeOutcome]] = charge
    """The next call for a payment, and what its answer means."""
    apply_outcome: Apply = apply_outcome
    """The one way a payment moves: answers, look-ups and webhooks alike."""
    request_refund: RequestRefund = request_refund
    """Money promised back, never more than was captured."""
    send_refund: Callable[[Psp, Refund], Awaitable[RefundOutcome]] = send_refund
    """The next call for a refund, and what its answer means."""
    apply_refund_outcome: Apply = apply_refund_outcome
    """The one way a refund moves: answers, look-ups and webhooks alike."""
    record_webhook: Callable[[UnitOfWork, bytes], Awaitable[bool]] = record_webhook
    """A verified webhook stored, each event once."""
    apply_webhook: ApplyWebhook = apply_webhook
    """A stored webhook read and applied."""
    owe_payment: Handler = orders.owe_payment
    """order.created: a payment is due."""
    cancel_payment: Handler = orders.cancel_payment
    """order.cancelled: nothing is charged, or all is given back."""
    pay_back_return: Handler = orders.pay_back_return
    """return.completed: what was paid for the goods goes back."""


HEALTHY = Parts()
