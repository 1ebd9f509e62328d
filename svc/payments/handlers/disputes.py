"""Disputes: what customers' banks take back for a while or for good, told by the PSP in any order and any number."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp
from svc.payments.domain import (
    Decision,
    DisputeStatus,
    DisputeTold,
    Step,
    decide_dispute,
    double_entry,
    payment_id_of,
)
from svc.payments.handlers import events
from svc.payments.handlers.charging import state_of
from svc.payments.handlers.locking import locked
from svc.payments.handlers.refunding import open_refund
from svc.payments.store import disputes, ledger, payments
from svc.payments.store.disputes import Dispute
from svc.payments.store.payments import Payment

KINDS = {
    DisputeStatus.OPENED: double_entry.Kind.DISPUTE_OPENED,
    DisputeStatus.WON: double_entry.Kind.DISPUTE_WON,
    DisputeStatus.LOST: double_entry.Kind.DISPUTE_LOST,
}

log = structlog.get_logger(__name__)


async def apply_dispute(uow: UnitOfWork, order_id: UUID, told: DisputeTold) -> Decision:
    """Let a dispute take effect, once: withheld sum, ledger and event in one transaction.

    An end that comes before its beginning stands for both. Raises `UnknownPayment`.
    """
    payment = await locked(uow, payment_id_of(order_id))
    known = await disputes.of_psp(uow.connection, told.psp_dispute_id)
    is_extra = await payments.took_over(uow.connection, told.psp_payment_id)
    decision = decide_dispute(state_of(payment), told, known=known and known.status, is_extra=is_extra)
    if decision.step is Step.REVIEW:
        await payments.WORK.mark_for_review(uow.connection, payment.id, decision.reason)
        log.error("dispute_needs_review", payment_id=payment.id, order_id=order_id, reason=decision.reason)
    if decision.step is not Step.SETTLE:
        return decision
    steps: list[DisputeStatus] = []
    if known is None:
        await _open(uow, payment, told)
        steps.append(DisputeStatus.OPENED)
    if told.status is not DisputeStatus.OPENED:
        await _close(uow, payment, told)
        steps.append(told.status)
    for status in steps:
        await ledger.book(
            uow.connection,
            KINDS[status],
            transaction_id=derived_id("dispute", told.psp_dispute_id, status.value),
            order_id=order_id,
            amount_minor=told.amount_minor,
            currency=told.currency,
        )
    return decision


async def disputes_at(psp: Psp, order_id: UUID) -> Sequence[DisputeTold]:
    """What the PSP knows of the order's disputes. Outside any transaction. Raises `RemoteUnavailableError`."""
    return [
        DisputeTold(
            psp_dispute_id=dispute.id,
            psp_payment_id=payment.id,
            amount_minor=dispute.amount_minor,
            currency=payment.currency,
            reason=dispute.reason,
            status=dispute.status,
        )
        for payment in await psp.charges_of(order_id)
        for dispute in payment.disputes
    ]


async def catch_up(uow: UnitOfWork, order_id: UUID, found: Sequence[DisputeTold]) -> int:
    """Apply what no webhook told; gives how many took effect, those known change nothing. Raises `UnknownPayment`."""
    decisions = [await apply_dispute(uow, order_id, told) for told in found]
    return sum(decision.step is Step.SETTLE for decision in decisions)


async def _open(uow: UnitOfWork, payment: Payment, told: DisputeTold) -> None:
    dispute_id = derived_id("dispute", told.psp_dispute_id)
    version = await disputes.insert(uow.connection, dispute_id, payment.id, told)
    _publish(uow, payment, told, DisputeStatus.OPENED, version=version)


async def _close(uow: UnitOfWork, payment: Payment, told: DisputeTold) -> None:
    dispute = await disputes.of_psp(uow.connection, told.psp_dispute_id)
    assert dispute is not None, "it was just opened, or known"
    version = await disputes.close(uow.connection, dispute, told.status)
    _publish(uow, payment, told, told.status, version=version)
    if told.status is DisputeStatus.WON and payment.cancel_requested:
        await _give_back(uow, payment, dispute)


async def _give_back(uow: UnitOfWork, payment: Payment, dispute: Dispute) -> None:
    """What could not go back to the customer while the bank had it."""
    now = await payments.of_id(uow.connection, payment.id)
    assert now is not None
    amount_minor = min(now.refundable_minor, dispute.amount_minor)
    if amount_minor > 0:
        await open_refund(
            uow,
            now,
            refund_id=derived_id("refund", payment.id, dispute.psp_dispute_id),
            amount_minor=amount_minor,
            reason="order_cancelled",
            requested_by="payments",
        )


def _publish(uow: UnitOfWork, payment: Payment, told: DisputeTold, status: DisputeStatus, *, version: int) -> None:
    event = events.disputed(
        payment,
        dispute_id=derived_id("dispute", told.psp_dispute_id),
        amount_minor=told.amount_minor,
        status=status.value,
        reason=told.reason,
    )
    uow.publish(event, aggregate_id=payment.id, aggregate_version=version)
