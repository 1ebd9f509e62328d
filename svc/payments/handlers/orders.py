"""What orders do to payments: a new one owes money, a cancelled one no longer does, returned goods are paid back."""

from uuid import UUID

from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled, OrderCreated, OrderFact, ReturnCompleted
from shared.ids import derived_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import Intent, PaymentNotCaptured, PaymentStatus, payment_id_of
from svc.payments.handlers import events
from svc.payments.handlers.locking import locked
from svc.payments.handlers.methods import token_for
from svc.payments.handlers.refunding import open_refund
from svc.payments.store import authorisations, payments
from svc.payments.store.payments import NewPayment, Payment

CANCELLED_REASON = "order_cancelled"
RETURNED_REASON = "goods_returned"


async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
    """The order is to be paid; told twice, or after its cancellation, it changes nothing.

    Invariant: a converted price is charged only in the currency and to the customer of its quote, and once; whatever
    says otherwise violates a constraint.
    """
    order = envelope.data
    token = await token_for(uow.connection, order.customer_id, order.payment_method)
    owed = _payment_of(order, PaymentStatus.PENDING, token, quote_id=order.quote_id)
    await payments.insert(uow.connection, owed)


async def cancel_payment(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
    """The order is off: what is not charged never will be, what is held is let go, the rest goes back."""
    order = envelope.data
    payment = await payments.lock(uow.connection, payment_id_of(order.order_id))
    if payment is None:
        # Its order.created is parked or lost: remember the cancellation, so that it cannot be charged later.
        never = _payment_of(order, PaymentStatus.CANCELLED, "")
        if await payments.insert(uow.connection, never):
            uow.publish(events.failed(never, "cancelled"), aggregate_id=never.id, aggregate_version=never.version)
        return
    match payment.status:
        case PaymentStatus.PENDING:
            version = await payments.end(
                uow.connection, payment.id, PaymentStatus.CANCELLED, detail="the order was cancelled"
            )
            assert version is not None, "the row is locked"
            uow.publish(events.failed(payment, "cancelled"), aggregate_id=payment.id, aggregate_version=version)
        case PaymentStatus.PROCESSING | PaymentStatus.UNKNOWN:
            await payments.request_cancel(uow.connection, payment.id)
        case PaymentStatus.AUTHORISED:
            await payments.request_cancel(uow.connection, payment.id)
            await authorisations.decide(
                uow.connection, payment.id, Intent.VOID, reason="cancelled", decided_by="payments"
            )
        case PaymentStatus.CAPTURED:
            await payments.request_cancel(uow.connection, payment.id)
            await give_back_everything(uow, payment)
        case PaymentStatus.FAILED | PaymentStatus.CANCELLED:
            pass


async def pay_back_return(uow: UnitOfWork, envelope: Envelope[ReturnCompleted]) -> None:
    """Goods came back: what was paid for them goes back, once per return and no more than is left of the capture.

    What staff gave back before is left out of that. Raises `UnknownPayment`, `PaymentNotCaptured`: nobody returns what
    was not paid.
    """
    fact = envelope.data
    payment = await locked(uow, payment_id_of(fact.order_id))
    if payment.status is not PaymentStatus.CAPTURED:
        raise PaymentNotCaptured(f"the payment is {payment.status}", status=payment.status.value)
    amount_minor = min(fact.amount_minor, payment.refundable_minor)
    if amount_minor > 0:
        await open_refund(
            uow,
            payment,
            refund_id=derived_id("refund", payment.id, fact.return_id),
            amount_minor=amount_minor,
            reason=RETURNED_REASON,
            requested_by="orders",
        )


async def give_back_everything(uow: UnitOfWork, payment: Payment) -> None:
    """Refund whatever of the captured payment was not asked back before, once."""
    if payment.refundable_minor > 0:
        await open_refund(
            uow,
            payment,
            refund_id=derived_id("refund", payment.id, CANCELLED_REASON),
            amount_minor=payment.refundable_minor,
            reason=CANCELLED_REASON,
            requested_by="payments",
        )


def _payment_of(
    order: OrderFact, status: PaymentStatus, payment_method: str, *, quote_id: UUID | None = None
) -> NewPayment:
    payment_id: UUID = payment_id_of(order.order_id)
    return NewPayment(
        id=payment_id,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        email=order.email,
        amount_minor=order.total_minor,
        currency=order.currency,
        payment_method=payment_method,
        status=status,
        version=0 if status is PaymentStatus.PENDING else 1,
        traceparent=current_traceparent(),
        quote_id=quote_id,
    )
