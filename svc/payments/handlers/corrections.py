"""Giving back what an order was charged too much because it was priced wrongly."""

from uuid import UUID

from shared.contracts.payments import PRICE_CORRECTION
from shared.ids import derived_id
from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import (
    InvalidRefundAmount,
    PaymentNotCaptured,
    PaymentStatus,
    RefundCurrencyMismatch,
    RefundExceedsCapture,
    payment_id_of,
)
from svc.payments.handlers.locking import locked
from svc.payments.handlers.refunding import open_refund
from svc.payments.store import refunds
from svc.payments.store.refunds import Refund


async def return_difference(uow: UnitOfWork, order_id: UUID, amount: Money, *, requested_by: str) -> Refund:
    """Ask for the one refund of an order's wrong price; asked again it gives that refund, whatever the amount.

    Its id follows from the payment, so that no order gets two. Raises `UnknownPayment`, `PaymentNotCaptured`,
    `RefundCurrencyMismatch`, `InvalidRefundAmount`, `RefundExceedsCapture`.
    """
    payment = await locked(uow, payment_id_of(order_id))
    refund_id = derived_id("refund", payment.id, PRICE_CORRECTION)
    known = await refunds.of_id(uow.connection, refund_id)
    if known is not None:
        return known
    if payment.status is not PaymentStatus.CAPTURED:
        raise PaymentNotCaptured(f"the payment is {payment.status}", status=payment.status.value)
    if amount.currency != payment.currency:
        raise RefundCurrencyMismatch(f"the payment is in {payment.currency}", currency=payment.currency)
    if amount.amount_minor <= 0:
        raise InvalidRefundAmount("a refund is more than nothing")
    left = Money(payment.refundable_minor, payment.currency)
    if amount > left:
        raise RefundExceedsCapture(
            f"{left.decimal_string} {left.currency} can still be refunded", refundable=left.decimal_string
        )
    refund = await open_refund(
        uow,
        payment,
        refund_id=refund_id,
        amount_minor=amount.amount_minor,
        reason=PRICE_CORRECTION,
        requested_by=requested_by,
    )
    assert refund is not None, "the payment is locked, and it has no such refund"
    return refund
