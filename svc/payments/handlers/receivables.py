"""Writing down what customers owe who were paid back more than was captured: money that has left the house."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.payments.domain import UnknownPayment, double_entry, payment_id_of
from svc.payments.store import ledger, payments, refunds


async def record_excess(uow: UnitOfWork, order_id: UUID) -> int:
    """Book every refund that went out and is in no book as owed by the customer; gives how much, nothing next time.

    In a shop that is whole a refund is settled and booked in one transaction, so that there is none such. Moves no
    money and tells nobody: whether the customer is asked for it is for people to decide. Raises `UnknownPayment`.
    """
    payment = await payments.lock(uow.connection, payment_id_of(order_id))
    if payment is None:
        raise UnknownPayment("there is no such payment")
    unbooked = await refunds.unbooked(uow.connection, payment.id)
    total_minor = sum(refund.amount_minor for refund in unbooked)
    await payments.owe(uow.connection, payment.id, total_minor)
    for refund in unbooked:
        entries = double_entry.entries_of(
            double_entry.Kind.REFUND_EXCESS,
            transaction_id=refund.id,
            order_id=order_id,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
        )
        await ledger.post(uow.connection, entries)
    return total_minor
