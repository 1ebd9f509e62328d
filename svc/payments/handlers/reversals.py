"""Taking a capture out of the books that the PSP never made, such as one that was booked twice."""

from collections.abc import Collection
from uuid import UUID

from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp
from svc.payments.domain import Captured, NotToBeReversed, UnknownPayment, double_entry, payment_id_of
from svc.payments.store import ledger, payments


async def captures_at(psp: Psp, order_id: UUID) -> frozenset[str]:
    """The order's captures as the PSP knows them, by id. Outside any transaction. Raises `RemoteUnavailableError`."""
    return frozenset(item.id for item in await psp.charges_of(order_id) if item.status == "captured")


async def reverse(uow: UnitOfWork, order_id: UUID, told: Collection[str]) -> list[Captured]:
    """Reverse every extra capture that the PSP never made beside the one owed; gives those, and none the next time.

    Raises `UnknownPayment`, `NotToBeReversed` (more was paid back than would stay captured).
    """
    payment = await payments.lock(uow.connection, payment_id_of(order_id))
    if payment is None:
        raise UnknownPayment("there is no such payment")
    extras = await payments.extra_captures(uow.connection, payment.id)
    phantoms = [one for one in extras if one.psp_payment_id == payment.psp_payment_id or one.psp_payment_id not in told]
    for phantom in phantoms:
        if not await payments.forget_capture(uow.connection, payment.id, phantom):
            raise NotToBeReversed("more went back than the PSP captured; people must settle it")
        entries = double_entry.entries_of(
            double_entry.Kind.CAPTURE_REVERSED,
            transaction_id=derived_id("capture reversed", payment.id, phantom.psp_payment_id),
            order_id=order_id,
            amount_minor=phantom.amount_minor,
            currency=phantom.currency,
        )
        await ledger.post(uow.connection, entries)
    return phantoms
