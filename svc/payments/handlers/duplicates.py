"""Giving back what the PSP captured beyond the one payment an order owed."""

from uuid import UUID

from shared.ids import derived_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp
from svc.payments.domain import Captured, NotADuplicate, double_entry, payment_id_of
from svc.payments.handlers.locking import locked
from svc.payments.store import ledger, payments, refunds
from svc.payments.store.refunds import Refund

DUPLICATE_REASON = "duplicate_charge"


async def find_duplicate(psp: Psp, order_id: UUID, psp_payment_id: str) -> Captured:
    """The capture as the PSP knows it. Outside any transaction. Raises `NotADuplicate`, `RemoteUnavailableError`."""
    for item in await psp.charges_of(order_id):
        if item.id == psp_payment_id and item.status == "captured":
            return Captured(item.id, item.amount_minor, item.currency)
    raise NotADuplicate("the PSP captured no such payment for this order")


async def return_duplicate(uow: UnitOfWork, order_id: UUID, extra: Captured, *, requested_by: str) -> Refund:
    """Book the extra capture and ask for its refund, both once.

    Raises `UnknownPayment`, `NotADuplicate` (it is the payment's own capture, or in another currency).
    """
    payment = await locked(uow, payment_id_of(order_id))
    if payment.psp_payment_id == extra.psp_payment_id or payment.currency != extra.currency:
        raise NotADuplicate("this is the capture that was owed, or one in another currency")
    refund_id = derived_id("refund", payment.id, DUPLICATE_REASON, extra.psp_payment_id)
    known = await refunds.of_id(uow.connection, refund_id)
    if known is not None:
        return known
    taken = await payments.take_over_capture(uow.connection, payment.id, extra)
    assert taken, "an extra capture and its refund are stored together"
    await payments.end_review(uow.connection, payment.id, about=extra.psp_payment_id)
    refund = await refunds.insert(
        uow.connection,
        refund_id,
        payment_id=payment.id,
        psp_payment_id=extra.psp_payment_id,
        amount_minor=extra.amount_minor,
        currency=extra.currency,
        reason=DUPLICATE_REASON,
        requested_by=requested_by,
        traceparent=current_traceparent(),
    )
    assert refund is not None
    reserved = await payments.reserve_refund(uow.connection, payment.id, extra.amount_minor)
    assert reserved, "the extra capture raised the bound by its amount"
    await ledger.book(
        uow.connection,
        double_entry.Kind.CAPTURE_DUPLICATE,
        transaction_id=derived_id("duplicate", extra.psp_payment_id),
        order_id=order_id,
        amount_minor=extra.amount_minor,
        currency=extra.currency,
    )
    return refund
