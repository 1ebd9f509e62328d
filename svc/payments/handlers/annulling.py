"""Paying back what was captured for an order that never was, because an event was misread as one."""

from typing import Final
from uuid import UUID

from shared.contracts.orders import OrderCreated
from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import UNPAID, NotMisread, PaymentNotCaptured, PaymentStatus, payment_id_of
from svc.payments.handlers.locking import locked
from svc.payments.handlers.refunding import open_refund
from svc.payments.store import annulments

CONSUMER: Final = "payments"
ANNULLED_REASON: Final = "order_never_placed"


async def annul(uow: UnitOfWork, order_id: UUID, event_id: UUID, *, decided_by: str) -> int:
    """Write the annulment down and ask for the refund of all that is left, once; gives how much that is.

    The event stays applied, so that it makes no payment again. Whom it names is not told: nobody knows whether the
    event means them. Raises `UnknownPayment`, `NotMisread` (payments took no such event for an order),
    `PaymentNotCaptured` (it may be yet).
    """
    payment = await locked(uow, payment_id_of(order_id))
    if not await annulments.applied(uow.connection, CONSUMER, event_id, event_type=OrderCreated.type):
        raise NotMisread("no such event was taken for an order")
    if payment.status in UNPAID:
        raise PaymentNotCaptured(f"the payment is {payment.status}", status=payment.status.value)
    fresh = await annulments.insert(uow.connection, payment.id, event_id=event_id, decided_by=decided_by)
    if not fresh or payment.status is not PaymentStatus.CAPTURED or not payment.refundable_minor:
        return 0
    await open_refund(
        uow,
        payment,
        refund_id=derived_id("refund", payment.id, ANNULLED_REASON),
        amount_minor=payment.refundable_minor,
        reason=ANNULLED_REASON,
        requested_by=decided_by,
    )
    return payment.refundable_minor
