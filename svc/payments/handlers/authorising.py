"""Authorisations: who decides how one ends, the call to the PSP that ends it, and what its answer means."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import structlog

from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.money import Money
from shared.partner_client import PartnerRefusal
from shared.unit_of_work import UnitOfWork
from svc.payments.clients import Psp, PspPayment
from svc.payments.domain import (
    ATTEMPTS_MAX,
    BACK_OFF,
    Absent,
    AuthorisationDecided,
    AuthorisationStatus,
    Captured,
    Decision,
    InDoubt,
    Intent,
    NotSent,
    PaymentNotAuthorised,
    SettlementOutcome,
    Step,
    UnknownPayment,
    Voided,
    payment_id_of,
    settlement_key,
)
from svc.payments.store import authorisations, payments
from svc.payments.store.authorisations import Authorisation

ASK_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


async def hold_first(uow: UnitOfWork, order_id: UUID, amount: Money, *, bounds: tuple[Money, ...]) -> None:
    """Let people decide on the capture of what is owed, if it is one of the amounts or more."""
    if any(amount.currency == bound.currency and amount >= bound for bound in bounds):
        await payments.hold_first(uow.connection, payment_id_of(order_id))


async def decide(uow: UnitOfWork, payment_id: UUID, intent: Intent, *, decided_by: str) -> Authorisation:
    """Have what is held captured or let go; a job carries it out. The same decision again changes nothing.

    Raises `UnknownPayment`, `PaymentNotAuthorised`, `AuthorisationDecided`. Invariant: one decision per authorisation.
    """
    reason = "voided" if intent is Intent.VOID else "captured"
    decided = await authorisations.decide(uow.connection, payment_id, intent, reason=reason, decided_by=decided_by)
    if decided is not None:
        return decided
    known = await authorisations.of_payment(uow.connection, payment_id)
    if known is None:
        payment = await payments.of_id(uow.connection, payment_id)
        if payment is None:
            raise UnknownPayment("there is no such payment")
        raise PaymentNotAuthorised(f"the payment is {payment.status}", state=payment.status.value)
    if known.decided_at is None or known.intent is not intent:
        raise AuthorisationDecided(
            f"{known.reason}: it is to end by {known.intent}, and is {known.status}", state=known.status.value
        )
    return known


async def settle(psp: Psp, held: Authorisation) -> SettlementOutcome:
    """Carry out a claimed authorisation's intent at the PSP, or ask what became of an earlier call.

    Outside any transaction. A refusal says only that it cannot be ended so: the PSP is asked how it stands.
    """
    if held.status is AuthorisationStatus.UNKNOWN:
        return await _ask(psp, held)
    key = settlement_key(held.payment_id, held.intent)
    try:
        if held.intent is Intent.CAPTURE:
            answer = await psp.capture(held.psp_payment_id, amount_minor=held.authorised_minor, idempotency_key=key)
        else:
            answer = await psp.void(held.psp_payment_id, idempotency_key=key)
    except PartnerRefusal as refusal:
        return InDoubt(str(refusal))
    except RemoteUnavailableError as error:
        return InDoubt(str(error)) if error.effect_possible else NotSent(str(error))
    except RemoteTimeoutError as error:
        return InDoubt(str(error))
    return _outcome_of(answer)


async def apply_settlement(
    uow: UnitOfWork,
    held: Authorisation,
    outcome: SettlementOutcome,
    *,
    apply_outcome: Callable[[UnitOfWork, UUID, Any], Awaitable[Decision]],
    absence_grace_s: float,
) -> Decision:
    """Let an outcome take effect: how it ended goes through the payment's one transition, the rest is tried again."""
    connection = uow.connection
    match outcome:
        case Captured() | Voided():
            decision = await apply_outcome(uow, held.payment_id, outcome)
            if decision.step is Step.REVIEW:
                await authorisations.WORK.halt(connection, held.payment_id, decision.reason)
            return decision
        case InDoubt():
            delay_s = 0.0 if held.status is AuthorisationStatus.PROCESSING else ASK_AGAIN_S
            await authorisations.WORK.doubt(connection, held.payment_id, delay_s=delay_s)
            return Decision(Step.DOUBT)
        case Absent():
            wait_s = absence_grace_s - await authorisations.WORK.doubt_age_s(connection, held.payment_id)
            if wait_s > 0:
                await authorisations.WORK.doubt(connection, held.payment_id, delay_s=wait_s)
                return Decision(Step.DOUBT)
        case NotSent():
            pass
    if held.attempts >= ATTEMPTS_MAX:
        await authorisations.WORK.halt(connection, held.payment_id, f"{held.intent} given up")
        log.error("authorisation_needs_review", payment_id=held.payment_id, intent=held.intent)
        return Decision(Step.REVIEW, "given_up")
    await authorisations.WORK.retry(connection, held.payment_id, delay_s=BACK_OFF.delay_s(held.attempts))
    return Decision(Step.RETRY)


async def _ask(psp: Psp, held: Authorisation) -> SettlementOutcome:
    try:
        found = await psp.charges_of(held.order_id)
    except (PartnerRefusal, RemoteUnavailableError, RemoteTimeoutError) as error:
        return InDoubt(f"asking failed: {error}")
    own = [item for item in found if item.id == held.psp_payment_id]
    return _outcome_of(own[0]) if own else InDoubt("the PSP does not know what it held")


def _outcome_of(answer: PspPayment) -> SettlementOutcome:
    match answer.status:
        case "captured":
            return Captured(answer.id, answer.captured_minor or answer.amount_minor, answer.currency)
        case "voided" | "expired":
            return Voided(answer.id)
        case "authorised":
            return Absent()
        case _:
            return InDoubt(f"the PSP says {answer.status}")
