"""Refunds: asked for, carried out by one call at a time, settled once."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.contracts import Event
from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.ids import new_id
from shared.money import Money
from shared.partner_client import PartnerRefusal
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp, PspRefund
from svc.payments.domain import (
    BACK_OFF,
    NOTHING,
    Absent,
    Decision,
    Declined,
    InDoubt,
    InvalidRefundAmount,
    NotSent,
    PaymentNotCaptured,
    PaymentStatus,
    RefundCurrencyMismatch,
    Refunded,
    RefundExceedsCapture,
    RefundOutcome,
    RefundStatus,
    Step,
    UnknownRefund,
    decide_refund,
    double_entry,
    refund_key,
)
from svc.payments.handlers import events
from svc.payments.handlers.locking import locked
from svc.payments.store import ledger, payments, refunds
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund

ASK_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


async def request_refund(
    uow: UnitOfWork, payment_id: UUID, *, amount: Money | None, reason: str, requested_by: str
) -> Refund:
    """Promise money back to the customer; a job carries it out. No amount means all that is left.

    Raises `UnknownPayment`, `PaymentNotCaptured`, `RefundCurrencyMismatch`, `InvalidRefundAmount`,
    `RefundExceedsCapture`. Invariant: promised refunds never exceed what was captured.
    """
    payment = await locked(uow, payment_id)
    if payment.status is not PaymentStatus.CAPTURED:
        raise PaymentNotCaptured(f"the payment is {payment.status}", status=payment.status.value)
    if amount is not None and amount.currency != payment.currency:
        raise RefundCurrencyMismatch(f"the payment is in {payment.currency}", currency=payment.currency)
    if amount is not None and amount.amount_minor <= 0:
        raise InvalidRefundAmount("a refund is more than nothing")
    left = Money(payment.refundable_minor, payment.currency)
    wanted = left if amount is None else amount
    if not wanted or wanted > left:
        raise RefundExceedsCapture(
            f"{left.decimal_string} {left.currency} can still be refunded", refundable=left.decimal_string
        )
    refund = await open_refund(
        uow,
        payment,
        refund_id=new_id(),
        amount_minor=wanted.amount_minor,
        reason=reason,
        requested_by=requested_by,
    )
    assert refund is not None, "the id is new"
    return refund


async def open_refund(
    uow: UnitOfWork, payment: Payment, *, refund_id: UUID, amount_minor: int, reason: str, requested_by: str
) -> Refund | None:
    """Store a refund and set its money aside; None when this id was stored before. Raises `RefundExceedsCapture`."""
    assert payment.psp_payment_id is not None, "only captured payments are refunded"
    refund = await refunds.insert(
        uow.connection,
        refund_id,
        payment_id=payment.id,
        psp_payment_id=payment.psp_payment_id,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=reason,
        requested_by=requested_by,
        traceparent=current_traceparent(),
    )
    if refund is not None and not await payments.reserve_refund(uow.connection, payment.id, amount_minor):
        raise RefundExceedsCapture("more than was captured")
    return refund


async def send_refund(psp: Psp, refund: Refund) -> RefundOutcome:
    """Send a claimed refund to the PSP, or ask what became of an earlier call. Outside any transaction."""
    if refund.status is RefundStatus.UNKNOWN:
        return await _ask(psp, refund)
    try:
        answer = await psp.refund(
            refund.id,
            psp_payment_id=refund.psp_payment_id,
            amount_minor=refund.amount_minor,
            idempotency_key=refund_key(refund.id),
        )
    except PartnerRefusal as refusal:
        return Declined(refusal.code) if refusal.final else InDoubt(str(refusal))
    except RemoteUnavailableError as error:
        return InDoubt(str(error)) if error.effect_possible else NotSent(str(error))
    except RemoteTimeoutError as error:
        return InDoubt(str(error))
    return _outcome_of([answer])


async def apply_refund_outcome(
    uow: UnitOfWork, refund_id: UUID, outcome: RefundOutcome, *, absence_grace_s: float
) -> Decision:
    """Let an outcome take effect, once: ledger, sum and event in one transaction. Raises `UnknownRefund`."""
    refund = await refunds.lock(uow.connection, refund_id)
    if refund is None:
        raise UnknownRefund("there is no such refund")
    if isinstance(outcome, Absent):
        wait_s = absence_grace_s - await refunds.WORK.doubt_age_s(uow.connection, refund_id)
        if wait_s > 0:
            await refunds.WORK.doubt(uow.connection, refund_id, delay_s=wait_s)
            return Decision(Step.DOUBT)
    decision = decide_refund(
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        attempts=refund.attempts,
        outcome=outcome,
    )
    match decision.step:
        case Step.SETTLE:
            assert isinstance(outcome, Refunded)
            await _settle(uow, refund, outcome)
        case Step.FAIL:
            await refunds.fail(uow.connection, refund_id, decision.reason)
            await payments.release_refund(uow.connection, refund.payment_id, refund.amount_minor)
            await _publish_failure(uow, refund, decision.reason)
            log.error("refund_failed", refund_id=refund_id, payment_id=refund.payment_id, reason=decision.reason)
        case Step.DOUBT:
            delay_s = 0.0 if refund.status is RefundStatus.PROCESSING else ASK_AGAIN_S
            await refunds.WORK.doubt(uow.connection, refund_id, delay_s=delay_s)
        case Step.RETRY:
            delay_s = 0.0 if isinstance(outcome, Absent) else BACK_OFF.delay_s(refund.attempts)
            await refunds.WORK.retry(uow.connection, refund_id, delay_s=delay_s)
        case Step.REVIEW if refund.status is RefundStatus.SUCCEEDED:
            await refunds.WORK.mark_for_review(uow.connection, refund_id, decision.reason)
            log.error("refund_needs_review", refund_id=refund_id, reason=decision.reason)
        case Step.REVIEW:
            await refunds.WORK.halt(uow.connection, refund_id, decision.reason)
            await _publish_failure(uow, refund, decision.reason)
            log.error("refund_needs_review", refund_id=refund_id, reason=decision.reason)
        case _:
            return NOTHING
    return decision


async def _settle(uow: UnitOfWork, refund: Refund, refunded: Refunded) -> None:
    settled = await refunds.succeed(uow.connection, refund.id, refunded.psp_refund_id)
    assert settled, "the row is locked"
    payment = await payments.lock(uow.connection, refund.payment_id)
    assert payment is not None
    of_duplicate = refund.psp_payment_id != payment.psp_payment_id
    if of_duplicate:
        version = await payments.book_duplicate_return(uow.connection, payment.id, refund.amount_minor)
        event: Event = events.duplicate_returned(
            payment, refund_id=refund.id, amount_minor=refund.amount_minor, psp_payment_id=refund.psp_payment_id
        )
    else:
        refunded_minor, version = await payments.book_refund(uow.connection, payment.id, refund.amount_minor)
        event = events.refunded(
            payment,
            refund_id=refund.id,
            amount_minor=refund.amount_minor,
            refunded_minor=refunded_minor,
            reason=refund.reason,
        )
    uow.publish(event, aggregate_id=payment.id, aggregate_version=version)
    await ledger.book(
        uow.connection,
        double_entry.Kind.REFUND_DUPLICATE if of_duplicate else double_entry.Kind.REFUND,
        transaction_id=refund.id,
        order_id=payment.order_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )


async def _publish_failure(uow: UnitOfWork, refund: Refund, reason: str) -> None:
    payment = await payments.lock(uow.connection, refund.payment_id)
    assert payment is not None, "a refund belongs to a payment"
    version = await payments.count_event(uow.connection, payment.id)
    event = events.refund_failed(payment, refund_id=refund.id, amount_minor=refund.amount_minor, reason=reason)
    uow.publish(event, aggregate_id=payment.id, aggregate_version=version)


async def _ask(psp: Psp, refund: Refund) -> RefundOutcome:
    try:
        found = await psp.refunds_of(refund.id)
    except (PartnerRefusal, RemoteUnavailableError, RemoteTimeoutError) as error:
        return InDoubt(f"asking failed: {error}")
    return _outcome_of(found)


def _outcome_of(found: Sequence[PspRefund]) -> RefundOutcome:
    if not found:
        return Absent()
    first = found[0]
    if first.status != "succeeded":
        return InDoubt(f"the PSP says {first.status}")
    return Refunded(first.id, first.amount_minor, first.currency)
