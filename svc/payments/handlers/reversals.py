"""Taking out of the books what the PSP never made: captures and refunds that were booked twice."""

from collections.abc import Collection
from uuid import UUID

from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp
from svc.payments.domain import Captured, NotToBeReversed, double_entry, payment_id_of
from svc.payments.handlers import events
from svc.payments.handlers.locking import locked
from svc.payments.handlers.orders import CANCELLED_REASON
from svc.payments.handlers.refunding import open_refund
from svc.payments.store import ledger, payments
from svc.payments.store.payments import Payment


async def captures_at(psp: Psp, order_id: UUID) -> frozenset[str]:
    """The order's captures as the PSP knows them, by id. Outside any transaction. Raises `RemoteUnavailableError`."""
    return frozenset(item.id for item in await psp.charges_of(order_id) if item.status == "captured")


async def reverse(uow: UnitOfWork, order_id: UUID, told: Collection[str]) -> list[Captured]:
    """Reverse every extra capture that the PSP never made beside the one owed; gives those, and none the next time.

    Raises `UnknownPayment`, `NotToBeReversed` (more was paid back than would stay captured).
    """
    payment = await locked(uow, payment_id_of(order_id))
    extras = await payments.extra_captures(uow.connection, payment.id)
    phantoms = [one for one in extras if one.psp_payment_id == payment.psp_payment_id or one.psp_payment_id not in told]
    for phantom in phantoms:
        if not await payments.forget_capture(uow.connection, payment.id, phantom):
            raise NotToBeReversed("more went back than the PSP captured; people must settle it")
        await ledger.book(
            uow.connection,
            double_entry.Kind.CAPTURE_REVERSED,
            transaction_id=derived_id("capture reversed", payment.id, phantom.psp_payment_id),
            order_id=order_id,
            amount_minor=phantom.amount_minor,
            currency=phantom.currency,
        )
    return phantoms


async def reverse_refunds(uow: UnitOfWork, order_id: UUID) -> int:
    """Reverse what is booked as paid back under no refund's id; gives how much that was, and nothing the next time.

    Of an order that was cancelled what so is still ours goes back. Raises `UnknownPayment`.
    """
    payment = await locked(uow, payment_id_of(order_id))
    booked = await ledger.refunds_of_nothing(uow.connection, order_id)
    reversals = {transaction_id: derived_id("refund reversed", transaction_id) for transaction_id, _ in booked}
    done = await ledger.posted(uow.connection, list(reversals.values()))
    amounts = {reversals[each]: amount for each, amount in booked if reversals[each] not in done}
    for transaction_id, amount_minor in amounts.items():
        await unbook_refund(uow, payment, amount_minor, transaction_id=transaction_id)
    total_minor = sum(amounts.values())
    if total_minor and payment.cancel_requested:
        await open_refund(
            uow,
            payment,
            refund_id=derived_id("refund", *sorted(amounts)),
            amount_minor=total_minor,
            reason=CANCELLED_REASON,
            requested_by="payments",
        )
    return total_minor


async def unbook_refund(uow: UnitOfWork, payment: Payment, amount_minor: int, *, transaction_id: UUID) -> None:
    """Take so much that is booked and told as paid back out of the books of a locked payment, and tell it."""
    reversed_minor, version = await payments.unbook_refund(uow.connection, payment.id, amount_minor)
    event = events.refund_reversed(payment, amount_minor=amount_minor, reversed_minor=reversed_minor)
    uow.publish(event, aggregate_id=payment.id, aggregate_version=version)
    await ledger.book(
        uow.connection,
        double_entry.Kind.REFUND_REVERSED,
        transaction_id=transaction_id,
        order_id=payment.order_id,
        amount_minor=amount_minor,
        currency=payment.currency,
    )
