"""Planted: what is left to refund is read, thought about, and written from what was read."""

import asyncio
from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.ids import new_id
from shared.money import Money
from shared.settings import ServiceSettings
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.payments.domain import Decision, PaymentStatus, Refunded, RefundOutcome, Step
from svc.payments.store import payments, refunds
from svc.payments.store.refunds import Refund

CARD = DefectCard(
    id="refund-check-then-act",
    title="Refunds are checked, then made",
    parts=("payments.request_refund", "payments.apply_refund_outcome"),
    root_cause="What is left is read without a lock; all who read at the same moment find the whole payment there.",
    caught_by=("INV-05",),
    exposed_by="Many refunds of one order at the same moment, at a provider that does not add them up itself.",
    symptoms="An order was paid back three times over; each refund alone was within its bound.",
    fix="Set the money aside in one conditional update, under the payment's lock, before anybody is told.",
    origin="Time of check to time of use; CWE-367.",
)

THINKING_TIME_S = 0.1


def request_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A refund that trusts what it read a moment ago."""

    async def request_refund(
        uow: UnitOfWork, payment_id: UUID, *, amount: Money | None, reason: str, requested_by: str
    ) -> Refund:
        payment = await payments.of_id(uow.connection, payment_id)
        wanted = payment.refundable_minor if payment and amount is None else amount.amount_minor if amount else 0
        fits = payment and payment.status is PaymentStatus.CAPTURED and 0 < wanted <= payment.refundable_minor
        if not fits or payment is None or payment.psp_payment_id is None:
            return await healthy(uow, payment_id, amount=amount, reason=reason, requested_by=requested_by)
        await asyncio.sleep(THINKING_TIME_S)
        refund = await refunds.insert(
            uow.connection,
            new_id(),
            payment_id=payment.id,
            psp_payment_id=payment.psp_payment_id,
            amount_minor=wanted,
            currency=payment.currency,
            reason=reason,
            requested_by=requested_by,
            traceparent=current_traceparent(),
        )
        assert refund is not None, "the id is new"
        await uow.connection.execute(
            "UPDATE payments SET refund_reserved_minor = GREATEST(refunded_minor, $2) WHERE id = $1",
            payment.id,
            payment.refund_reserved_minor + wanted,
        )
        return refund

    return request_refund


def apply_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Books a refund as far as the table lets it; one beyond that is settled without an entry."""

    async def apply_refund_outcome(
        uow: UnitOfWork, refund_id: UUID, outcome: RefundOutcome, /, *, absence_grace_s: float
    ) -> Decision:
        refund = await refunds.lock(uow.connection, refund_id)
        if refund is not None and isinstance(outcome, Refunded):
            raised = await uow.connection.fetchval(
                "UPDATE payments SET refund_reserved_minor = GREATEST(refund_reserved_minor, refunded_minor + $2) "
                "WHERE id = $1 AND refunded_minor + $2 <= captured_minor + extra_captured_minor RETURNING true",
                refund.payment_id,
                refund.amount_minor,
            )
            if not raised:
                settled = await refunds.succeed(uow.connection, refund_id, outcome.psp_refund_id)
                return Decision(Step.SETTLE if settled else Step.NOTHING)
        return await healthy(uow, refund_id, outcome, absence_grace_s=absence_grace_s)

    return apply_refund_outcome


TWINS: Twins = {"payments.request_refund": request_twin, "payments.apply_refund_outcome": apply_twin}
