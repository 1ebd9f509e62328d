"""The payment that a command is about."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.payments.domain import UnknownPayment
from svc.payments.store import payments
from svc.payments.store.payments import Payment


async def locked(uow: UnitOfWork, payment_id: UUID) -> Payment:
    """The payment, its row locked until the transaction ends. Raises `UnknownPayment`."""
    payment = await payments.lock(uow.connection, payment_id)
    if payment is None:
        raise UnknownPayment("there is no such payment")
    return payment
