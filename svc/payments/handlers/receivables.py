"""Writing down what customers owe who were paid back more than was captured: money that has left the house."""

from collections.abc import Collection
from uuid import UUID

from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import double_entry, payment_id_of
from svc.payments.handlers.locking import locked
from svc.payments.handlers.reversals import unbook_refund
from svc.payments.store import ledger, payments, refunds
from svc.payments.store.payments import Payment


async def record_excess(uow: UnitOfWork, order_id: UUID, told: Collection[str]) -> int:
    """Book what went out beyond the capture as owed by the customer; gives how much, and nothing the next time.

    That is every refund which went out and is in no book, for in a shop that is whole it is settled and booked in one
    transaction; and what is booked as paid back beyond the captures that the PSP told of, of which it is taken off.
    Moves no money: whether the customer is asked for it is for people to decide. Raises `UnknownPayment`.
    """
    payment = await locked(uow, payment_id_of(order_id))
    unbooked = await refunds.unbooked(uow.connection, payment.id)
    for refund in unbooked:
        await _owe(uow, payment, refund.id, refund.amount_minor)
    beyond_minor = max(0, payment.refunded_minor - await _really_captured(uow, payment, told))
    if beyond_minor:
        excess_id = derived_id("refund excess", payment.id, str(payment.refunded_minor))
        await _owe(uow, payment, excess_id, beyond_minor)
        await unbook_refund(uow, payment, beyond_minor, transaction_id=derived_id("refund reversed", excess_id))
    return sum(refund.amount_minor for refund in unbooked) + beyond_minor


async def _really_captured(uow: UnitOfWork, payment: Payment, told: Collection[str]) -> int:
    extras = await payments.extra_captures(uow.connection, payment.id)
    own_minor = payment.captured_minor if payment.psp_payment_id in told else 0
    return own_minor + sum(
        extra.amount_minor
        for extra in extras
        if extra.psp_payment_id in told and extra.psp_payment_id != payment.psp_payment_id
    )


async def _owe(uow: UnitOfWork, payment: Payment, transaction_id: UUID, amount_minor: int) -> None:
    await payments.owe(uow.connection, payment.id, amount_minor)
    await ledger.book(
        uow.connection,
        double_entry.Kind.REFUND_EXCESS,
        transaction_id=transaction_id,
        order_id=payment.order_id,
        amount_minor=amount_minor,
        currency=payment.currency,
    )
