"""How a stored payment is told to the fleet."""

from typing import Any
from uuid import UUID

from shared.contracts.payments import (
    DuplicateReturned,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
    RefundReversed,
)
from svc.payments.store.payments import NewPayment


def processed(payment: NewPayment, psp_payment_id: str) -> PaymentProcessed:
    """The money was captured."""
    return PaymentProcessed(
        **_subject(payment),
        amount_minor=payment.amount_minor,
        psp_payment_id=psp_payment_id,
    )


def failed(payment: NewPayment, reason: str) -> PaymentFailed:
    """Nothing is captured; `reason` is declined, cancelled, refused, voided or expired."""
    return PaymentFailed(
        **_subject(payment),
        amount_minor=payment.amount_minor,
        reason=reason,
    )


def refunded(
    payment: NewPayment, *, refund_id: UUID, amount_minor: int, refunded_minor: int, reason: str
) -> PaymentRefunded:
    """One refund of what the order owed went through; `refunded_minor` is the sum of all that were told."""
    return PaymentRefunded(
        **_subject(payment),
        amount_minor=amount_minor,
        refund_id=refund_id,
        refunded_minor=refunded_minor,
        reason=reason,
    )


def refund_reversed(payment: NewPayment, *, amount_minor: int, reversed_minor: int) -> RefundReversed:
    """A refund that was booked and told never was made; `reversed_minor` is the sum of these so far."""
    return RefundReversed(**_subject(payment), amount_minor=amount_minor, reversed_minor=reversed_minor)


def duplicate_returned(
    payment: NewPayment, *, refund_id: UUID, amount_minor: int, psp_payment_id: str
) -> DuplicateReturned:
    """A capture that the order did not owe went back."""
    return DuplicateReturned(
        **_subject(payment),
        amount_minor=amount_minor,
        refund_id=refund_id,
        psp_payment_id=psp_payment_id,
    )


def refund_failed(payment: NewPayment, *, refund_id: UUID, amount_minor: int, reason: str) -> PaymentRefundFailed:
    """One refund did not happen."""
    return PaymentRefundFailed(
        **_subject(payment),
        amount_minor=amount_minor,
        refund_id=refund_id,
        reason=reason,
    )


def disputed(payment: NewPayment, *, dispute_id: UUID, amount_minor: int, status: str, reason: str) -> PaymentDisputed:
    """A dispute was opened, won or lost."""
    return PaymentDisputed(
        **_subject(payment),
        amount_minor=amount_minor,
        dispute_id=dispute_id,
        status=status,
        reason=reason,
    )


def _subject(payment: NewPayment) -> dict[str, Any]:
    """What every fact about a payment names: whose it is, of which order, in which currency."""
    return {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "email": payment.email,
        "order_number": payment.order_number,
        "currency": payment.currency,
    }
