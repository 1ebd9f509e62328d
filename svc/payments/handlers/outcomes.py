"""The one transition of a payment: the PSP's answer, its webhook and its look-up all come through here."""

from typing import Any, Protocol
from uuid import UUID

import structlog

from shared.unit_of_work import UnitOfWork
from svc.payments.domain import (
    BACK_OFF,
    IN_FLIGHT,
    NOTHING,
    Absent,
    Authorised,
    Captured,
    ChargeOutcome,
    Decision,
    Declined,
    InDoubt,
    Intent,
    NotSent,
    PaymentStatus,
    Step,
    Voided,
    decide_charge,
    double_entry,
)
from svc.payments.handlers import events
from svc.payments.handlers.charging import state_of
from svc.payments.handlers.locking import locked
from svc.payments.handlers.orders import give_back_everything
from svc.payments.store import authorisations, ledger, payments
from svc.payments.store.payments import Payment

ASK_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


class Apply(Protocol):
    """The shape of `apply_outcome` and `apply_refund_outcome`."""

    async def __call__(
        self, uow: UnitOfWork, subject_id: UUID, outcome: Any, /, *, absence_grace_s: float
    ) -> Decision: ...


async def apply_outcome(
    uow: UnitOfWork, payment_id: UUID, outcome: ChargeOutcome, *, absence_grace_s: float
) -> Decision:
    """Let an outcome take effect, once; repeated, late and contradicting ones change nothing but a review note.

    Invariant: one capture per payment, booked in the ledger and told in the same transaction.
    `absence_grace_s`: how long a call must have been in doubt before the PSP's not knowing it counts.
    Raises `UnknownPayment`.
    """
    payment = await locked(uow, payment_id)
    if isinstance(outcome, Absent) and payment.status in IN_FLIGHT:
        wait_s = absence_grace_s - await payments.WORK.doubt_age_s(uow.connection, payment_id)
        if wait_s > 0:
            await payments.doubt(uow.connection, payment_id, delay_s=wait_s, detail="not known to the PSP yet")
            return Decision(Step.DOUBT)
    decision = decide_charge(state_of(payment), outcome)
    if isinstance(outcome, Captured):
        if decision.step is Step.REVIEW and await payments.took_over(uow.connection, outcome.psp_payment_id):
            return NOTHING
        await _apply_capture(uow, payment, decision, captured=outcome)
    elif isinstance(outcome, Authorised | Voided):
        await _apply_authorisation(uow, payment, decision, outcome=outcome)
    else:
        await _apply_lack_of_capture(uow, payment, decision, outcome=outcome)
    return decision


async def _apply_capture(uow: UnitOfWork, payment: Payment, decision: Decision, *, captured: Captured) -> None:
    if decision.step is Step.SETTLE:
        await _settle(uow, payment, captured)
    elif decision.step is Step.REVIEW:
        await payments.WORK.mark_for_review(uow.connection, payment.id, decision.reason)
        log.error("payment_needs_review", payment_id=payment.id, order_id=payment.order_id, reason=decision.reason)


async def _apply_authorisation(
    uow: UnitOfWork, payment: Payment, decision: Decision, *, outcome: Authorised | Voided
) -> None:
    match decision.step:
        case Step.HOLD:
            assert isinstance(outcome, Authorised)
            await _hold(uow, payment, outcome)
        case Step.CANCEL:
            why = await authorisations.void(uow.connection, payment.id)
            reason = "cancelled" if payment.cancel_requested else why or decision.reason
            await _end(uow, payment, PaymentStatus.CANCELLED, reason, detail=_words(outcome))
        case Step.REVIEW:
            await payments.WORK.mark_for_review(uow.connection, payment.id, decision.reason)
            log.error("payment_needs_review", payment_id=payment.id, order_id=payment.order_id, reason=decision.reason)
        case Step.DOUBT:
            await payments.doubt(uow.connection, payment.id, delay_s=ASK_AGAIN_S, detail=_words(outcome))
        case _:
            if isinstance(outcome, Voided) and payment.status is PaymentStatus.CANCELLED:
                await authorisations.void(uow.connection, payment.id)


async def _hold(uow: UnitOfWork, payment: Payment, authorised: Authorised) -> None:
    """What is held for nobody any more is let go at once."""
    held = await payments.authorise(uow.connection, payment.id, authorised)
    assert held, "the row is locked"
    await authorisations.hold(
        uow.connection, payment.id, authorised, order_id=payment.order_id, traceparent=payment.traceparent
    )
    if payment.cancel_requested or payment.status is PaymentStatus.CANCELLED:
        await authorisations.decide(uow.connection, payment.id, Intent.VOID, reason="cancelled", decided_by="payments")


async def _apply_lack_of_capture(
    uow: UnitOfWork, payment: Payment, decision: Decision, *, outcome: ChargeOutcome
) -> None:
    match decision.step:
        case Step.FAIL:
            await _end(uow, payment, PaymentStatus.FAILED, decision.reason, detail=_words(outcome))
        case Step.CANCEL:
            await _end(uow, payment, PaymentStatus.CANCELLED, decision.reason, detail=_words(outcome))
        case Step.DOUBT:
            delay_s = 0.0 if payment.status is PaymentStatus.PROCESSING else ASK_AGAIN_S
            await payments.doubt(uow.connection, payment.id, delay_s=delay_s, detail=_words(outcome))
        case Step.RETRY:
            delay_s = 0.0 if isinstance(outcome, Absent) else BACK_OFF.delay_s(payment.attempts)
            await payments.retry(uow.connection, payment.id, delay_s=delay_s, detail=_words(outcome))
        case _:
            assert decision.step is Step.NOTHING, decision


async def _settle(uow: UnitOfWork, payment: Payment, captured: Captured) -> None:
    version = await payments.capture(uow.connection, payment.id, captured)
    assert version is not None, "the row is locked"
    uow.publish(events.processed(payment, captured.psp_payment_id), aggregate_id=payment.id, aggregate_version=version)
    settled = await payments.of_id(uow.connection, payment.id)
    assert settled is not None
    if payment.cancel_requested or payment.status is PaymentStatus.CANCELLED:
        await give_back_everything(uow, settled)
    if payment.capture_apart:
        await authorisations.capture(uow.connection, payment.id, captured)
    if captured.amount_minor:
        await ledger.book(
            uow.connection,
            double_entry.Kind.CAPTURE,
            transaction_id=payment.id,
            order_id=payment.order_id,
            amount_minor=captured.amount_minor,
            currency=captured.currency,
        )


async def _end(uow: UnitOfWork, payment: Payment, status: PaymentStatus, reason: str, *, detail: str) -> None:
    version = await payments.end(uow.connection, payment.id, status, detail=detail)
    assert version is not None, "the row is locked"
    uow.publish(events.failed(payment, reason), aggregate_id=payment.id, aggregate_version=version)


def _words(outcome: ChargeOutcome) -> str:
    match outcome:
        case Declined():
            return outcome.code
        case InDoubt() | NotSent():
            return outcome.detail
        case Absent():
            return "unknown to the PSP"
        case Captured() | Authorised() | Voided():
            return outcome.psp_payment_id
