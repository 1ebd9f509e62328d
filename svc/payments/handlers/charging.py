"""Charging: one call to the PSP and what it means. Outside any transaction; stores nothing."""

from collections.abc import Sequence

from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.partner_client import PartnerRefusal
from svc.payments.clients import Psp, PspPayment
from svc.payments.domain import (
    Authorised,
    Captured,
    ChargeOutcome,
    Declined,
    InDoubt,
    NotSent,
    PaymentState,
    PaymentStatus,
    Voided,
    charge_key,
    read_charges,
)
from svc.payments.store.payments import Payment


async def charge(psp: Psp, payment: Payment) -> ChargeOutcome:
    """Charge a claimed payment, or authorise one that is captured apart, or ask what became of an earlier call.

    A call in doubt is never repeated from here: only the PSP's word that it knows nothing of it leads to a repeat,
    and that with the same key.
    """
    if payment.status is PaymentStatus.UNKNOWN:
        return await ask(psp, payment)
    if payment.amount_minor == 0:
        return Captured(f"free-{payment.id}", 0, payment.currency)
    try:
        call = psp.authorise if payment.capture_apart else psp.charge
        answer = await call(
            payment.order_id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            payment_method=payment.payment_method,
            idempotency_key=charge_key(payment.id),
        )
    except PartnerRefusal as refusal:
        return Declined(refusal.code) if refusal.final else InDoubt(str(refusal))
    except RemoteUnavailableError as error:
        return InDoubt(str(error)) if error.effect_possible else NotSent(str(error))
    except RemoteTimeoutError as error:
        return InDoubt(str(error))
    decided = decided_of([answer], apart=payment.capture_apart)
    return decided[0] if decided else InDoubt(f"the PSP says {answer.status}")


async def ask(psp: Psp, payment: Payment) -> ChargeOutcome:
    """What the PSP knows of the order's charge. A question that failed decides nothing."""
    try:
        found = await psp.charges_of(payment.order_id)
    except (PartnerRefusal, RemoteUnavailableError, RemoteTimeoutError) as error:
        return InDoubt(f"asking failed: {error}")
    decided = decided_of(found, apart=payment.capture_apart)
    if not decided and found:
        return InDoubt(f"the PSP says {found[0].status}")
    return read_charges(state_of(payment), decided)


def state_of(payment: Payment) -> PaymentState:
    """The part of a stored payment that the rules look at."""
    return PaymentState(
        id=payment.id,
        order_id=payment.order_id,
        status=payment.status,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        cancel_requested=payment.cancel_requested,
        psp_payment_id=payment.psp_payment_id,
        attempts=payment.attempts,
        capture_apart=payment.capture_apart,
    )


def decided_of(found: Sequence[PspPayment], *, apart: bool) -> list[Captured | Authorised | Voided | Declined]:
    """What the PSP's words mean; money that is only held decides nothing unless it is captured `apart`."""
    outcomes: list[Captured | Authorised | Voided | Declined] = []
    for item in found:
        match item.status:
            case "captured":
                outcomes.append(Captured(item.id, item.amount_minor, item.currency))
            case "declined":
                outcomes.append(Declined(item.decline_code or "declined"))
            case "authorised" if apart:
                outcomes.append(Authorised(item.id, item.amount_minor, item.currency, item.authorised_until))
            case "voided" | "expired" if apart:
                outcomes.append(Voided(item.id))
            case _:
                pass
    return outcomes
