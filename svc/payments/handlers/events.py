"""How a stored payment is told to the fleet."""

from uuid import UUID

from shared.contracts.payments import (
    DuplicateReturned,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
)
from svc.payments.store.payments import NewPayment


def processed(payment: NewPayment, psp_payment_id: str) -> PaymentProcessed:
    """The money was captured."""
    return PaymentProcessed(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        psp_payment_id=psp_payment_id,
    )


def failed(payment: NewPayment, reason: str) -> PaymentFailed:
    """Nothing is captured; `reason` is declined, cancelled, refused, voided or expired."""
    return PaymentFailed(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reason=reason,
    )


def refunded(
    payment: NewPayment, *, refund_id: UUID, amount_minor: int, refunded_minor: int, reason: str
) -> PaymentRefunded:
    """One refund of what the order owed went through; `refunded_minor` is the sum of these so far."""
    return PaymentRefunded(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=amount_minor,
        currency=payment.currency,
        refund_id=refund_id,
        refunded_minor=refunded_minor,
        reason=reason,
    )


def duplicate_returned(
    payment: NewPayment, *, refund_id: UUID, amount_minor: int, psp_payment_id: str
) -> DuplicateReturned:
    """A capture that the order did not owe went back."""
    return DuplicateReturned(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=amount_minor,
        currency=payment.currency,
        refund_id=refund_id,
        psp_payment_id=psp_payment_id,
    )


def refund_failed(payment: NewPayment, *, refund_id: UUID, amount_minor: int, reason: str) -> PaymentRefundFailed:
    """One refund did not happen."""
    return PaymentRefundFailed(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=amount_minor,
        currency=payment.currency,
        refund_id=refund_id,
        reason=reason,
    )


def disputed(payment: NewPayment, *, dispute_id: UUID, amount_minor: int, status: str, reason: str) -> PaymentDisputed:
    """A dispute was opened, won or lost."""
    return PaymentDisputed(
        payment_id=payment.id,
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        email=payment.email,
        order_number=payment.order_number,
        amount_minor=amount_minor,
        currency=payment.currency,
        dispute_id=dispute_id,
        status=status,
        reason=reason,
    )
