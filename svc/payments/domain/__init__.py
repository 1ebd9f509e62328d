"""The rules of payments: what an answer of the PSP does to a payment or a refund, and what is refused. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.back_off import BackOff
from shared.errors import Kind, Refusal
from shared.ids import derived_id

ATTEMPTS_MAX = 60
"""Calls made for one payment or refund before it is given up; with the back-off about five minutes."""
BACK_OFF = BackOff(first_s=0.25, max_s=5.0)


class PaymentStatus(StrEnum):
    """`processing`: a call is under way; `unknown`: its answer never came and the PSP must be asked.

    `authorised`: the money is held at the PSP until it is captured, let go or the authorisation's time is over.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Intent(StrEnum):
    """How an authorisation is to end."""

    CAPTURE = "capture"
    VOID = "void"


class AuthorisationStatus(StrEnum):
    """`pending`: nothing is under way at the PSP; `processing` and `unknown` as for payments."""

    PENDING = "pending"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    CAPTURED = "captured"
    VOIDED = "voided"


class DisputeStatus(StrEnum):
    """Opened: the PSP withholds the money; won: it is ours again; lost: it is the customer's."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


class RefundStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN = frozenset({PaymentStatus.PENDING, PaymentStatus.PROCESSING, PaymentStatus.UNKNOWN})
IN_FLIGHT = frozenset({PaymentStatus.PROCESSING, PaymentStatus.UNKNOWN})
UNPAID = OPEN | {PaymentStatus.AUTHORISED}
"""What ends without a capture comes from here."""
CAPTURABLE = UNPAID | {PaymentStatus.CANCELLED}
"""A capture that comes to light after the cancellation is still a capture: it is booked, then given back."""


class NotReconciled(Refusal):
    code = "not_reconciled"
    kind = Kind.NOT_FOUND


class UnknownPayment(Refusal):
    code = "unknown_payment"
    kind = Kind.NOT_FOUND


class UnknownRefund(Refusal):
    code = "unknown_refund"
    kind = Kind.NOT_FOUND


class PaymentNotAuthorised(Refusal):
    """Nothing is held for it: it was captured at once, or never accepted."""

    code = "payment_not_authorised"
    kind = Kind.CONFLICT


class AuthorisationDecided(Refusal):
    """Somebody, or its time, has decided otherwise; that is carried out or done."""

    code = "authorisation_decided"
    kind = Kind.CONFLICT


class PaymentNotCaptured(Refusal):
    code = "payment_not_captured"
    kind = Kind.CONFLICT


class RefundExceedsCapture(Refusal):
    """Together with the refunds already asked for it would give back more than was captured."""

    code = "refund_exceeds_capture"
    kind = Kind.CONFLICT


class RefundCurrencyMismatch(Refusal):
    code = "currency_mismatch"
    kind = Kind.UNPROCESSABLE


class InvalidRefundAmount(Refusal):
    code = "invalid_refund_amount"
    kind = Kind.UNPROCESSABLE


class NotToBeReversed(Refusal):
    """The books of this payment cannot be brought in line with the PSP's by taking captures out."""

    code = "not_to_be_reversed"
    kind = Kind.CONFLICT


class NotMisread(Refusal):
    """The event that is said to have made this payment was never taken for an order."""

    code = "not_misread"
    kind = Kind.CONFLICT


class NotADuplicate(Refusal):
    """The PSP does not know this capture as a second one of this order."""

    code = "not_a_duplicate"
    kind = Kind.CONFLICT


class PaymentState(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know of a stored payment; amounts in minor units of `currency`."""

    id: UUID
    order_id: UUID
    status: PaymentStatus
    amount_minor: int
    currency: str
    cancel_requested: bool = False
    psp_payment_id: str | None = None
    attempts: int = 0
    capture_apart: bool = False


class Authorised(msgspec.Struct, frozen=True):
    """The PSP holds the money and has not taken it; `until` is when it lets go by itself, in epoch seconds."""

    psp_payment_id: str
    amount_minor: int
    currency: str
    until: int = 0


class Voided(msgspec.Struct, frozen=True):
    """The PSP let go of what it held; nothing was captured, nothing will be."""

    psp_payment_id: str


class Captured(msgspec.Struct, frozen=True):
    """The PSP took the money."""

    psp_payment_id: str
    amount_minor: int
    currency: str


class Declined(msgspec.Struct, frozen=True):
    """The PSP will not take it; nothing was captured."""

    code: str


class InDoubt(msgspec.Struct, frozen=True):
    """The call may have taken effect: no answer, a broken one, or a 5xx."""

    detail: str


class NotSent(msgspec.Struct, frozen=True):
    """The call certainly never reached the PSP."""

    detail: str


class Absent(msgspec.Struct, frozen=True):
    """The PSP was asked and knows nothing of it."""


class Refunded(msgspec.Struct, frozen=True):
    """The PSP gave the money back."""

    psp_refund_id: str
    amount_minor: int
    currency: str


class DisputeTold(msgspec.Struct, frozen=True, kw_only=True):
    """The PSP's word on a dispute about one of its payments."""

    psp_dispute_id: str
    psp_payment_id: str
    amount_minor: int
    currency: str
    reason: str
    status: DisputeStatus


ChargeOutcome = Captured | Authorised | Voided | Declined | InDoubt | NotSent | Absent
SettlementOutcome = Captured | Voided | InDoubt | NotSent | Absent
RefundOutcome = Refunded | Declined | InDoubt | NotSent | Absent


class Step(StrEnum):
    """What an outcome does to a payment or refund."""

    SETTLE = "settle"
    HOLD = "hold"
    FAIL = "fail"
    CANCEL = "cancel"
    DOUBT = "doubt"
    RETRY = "retry"
    REVIEW = "review"
    NOTHING = "nothing"


class Decision(msgspec.Struct, frozen=True):
    """`reason` explains a review, or a failure in the words of the payment.failed event."""

    step: Step
    reason: str = ""


NOTHING = Decision(Step.NOTHING)


def payment_id_of(order_id: UUID) -> UUID:
    """The one payment of an order."""
    return derived_id("payment", order_id)


def charge_key(payment_id: UUID) -> str:
    """The PSP idempotency key of every attempt to charge this payment."""
    return f"charge-{payment_id}"


def settlement_key(payment_id: UUID, intent: Intent) -> str:
    """The PSP idempotency key of every attempt to end this payment's authorisation so."""
    return f"{intent.value}-{payment_id}"


def refund_key(refund_id: UUID) -> str:
    """The PSP idempotency key of every attempt at this refund."""
    return f"refund-{refund_id}"


def decide_charge(payment: PaymentState, outcome: ChargeOutcome) -> Decision:
    """What a PSP answer, webhook or look-up means for the payment.

    Invariant: a settled payment is never settled again, and money of another amount is never booked.
    """
    if isinstance(outcome, Captured):
        return _decide_capture(payment, outcome)
    if isinstance(outcome, Authorised | Voided):
        return _decide_apart(payment, outcome)
    if payment.status not in IN_FLIGHT:
        return NOTHING
    if isinstance(outcome, Declined):
        return Decision(Step.FAIL, "declined")
    if isinstance(outcome, InDoubt):
        return Decision(Step.DOUBT)
    return _decide_without_effect(payment)


def decide_refund(
    *, status: RefundStatus, amount_minor: int, currency: str, attempts: int, outcome: RefundOutcome
) -> Decision:
    """What a PSP answer, webhook or look-up means for a refund."""
    if status is RefundStatus.FAILED or (status is RefundStatus.SUCCEEDED and not isinstance(outcome, Refunded)):
        return NOTHING
    match outcome:
        case Refunded():
            if (outcome.amount_minor, outcome.currency) != (amount_minor, currency):
                return Decision(Step.REVIEW, f"amount_mismatch: {outcome.amount_minor} {outcome.currency}")
            return NOTHING if status is RefundStatus.SUCCEEDED else Decision(Step.SETTLE)
        case Declined():
            return Decision(Step.FAIL, outcome.code)
        case InDoubt():
            return Decision(Step.DOUBT)
        case NotSent() | Absent():
            return Decision(Step.FAIL, "given_up") if attempts >= ATTEMPTS_MAX else Decision(Step.RETRY)


def decide_dispute(
    payment: PaymentState, told: DisputeTold, *, known: DisputeStatus | None, is_extra: bool
) -> Decision:
    """What the PSP's word on a dispute means; `is_extra` is of a capture beyond the one owed.

    A dispute of what is not known to be captured yet is believed; one of another payment or of more is looked at.
    """
    if known is told.status or (known is not None and told.status is DisputeStatus.OPENED):
        return NOTHING
    if known is None:
        fits = told.currency == payment.currency and 0 < told.amount_minor <= payment.amount_minor
        is_own = payment.psp_payment_id in {None, told.psp_payment_id} or is_extra
        ended = payment.status in {PaymentStatus.FAILED, PaymentStatus.CANCELLED}
        if not fits or not is_own or ended:
            return Decision(Step.REVIEW, f"dispute_unexpected: {told.psp_dispute_id}")
    elif known is not DisputeStatus.OPENED:
        return Decision(Step.REVIEW, f"dispute_{told.status}_after_{known}: {told.psp_dispute_id}")
    return Decision(Step.SETTLE)


def read_charges(payment: PaymentState, found: Sequence[Captured | Authorised | Voided | Declined]) -> ChargeOutcome:
    """One outcome from all the PSP knows of an order: a matching capture first, then any capture, then what is held,
    then what was let go, then a decline.
    """
    captures = [item for item in found if isinstance(item, Captured)]
    matching = [item for item in captures if (item.amount_minor, item.currency) == _owed(payment)]
    known = [item for item in matching if item.psp_payment_id == payment.psp_payment_id]
    held = [item for item in found if isinstance(item, Authorised)]
    let_go = [item for item in found if isinstance(item, Voided)]
    for best in (*known, *matching, *captures, *held, *let_go, *found):
        return best
    return Absent()


def _decide_capture(payment: PaymentState, capture: Captured) -> Decision:
    is_known = payment.status is PaymentStatus.CAPTURED and payment.psp_payment_id == capture.psp_payment_id
    if payment.status is PaymentStatus.CAPTURED and not is_known:
        return Decision(Step.REVIEW, f"captured_twice: {capture.psp_payment_id}")
    if (capture.amount_minor, capture.currency) != _owed(payment):
        return Decision(Step.REVIEW, f"amount_mismatch: {capture.amount_minor} {capture.currency}")
    if is_known:
        return NOTHING
    if payment.status not in CAPTURABLE or payment.attempts == 0:
        return Decision(Step.REVIEW, f"captured_while_{payment.status}: {capture.psp_payment_id}")
    return Decision(Step.SETTLE)


def _decide_apart(payment: PaymentState, outcome: Authorised | Voided) -> Decision:
    """Money is only held for payments that are captured apart; any other is waited for."""
    if not payment.capture_apart:
        return Decision(Step.DOUBT) if payment.status in IN_FLIGHT else NOTHING
    if isinstance(outcome, Voided):
        return _decide_void(payment, outcome)
    return _decide_authorisation(payment, outcome)


def _decide_authorisation(payment: PaymentState, authorised: Authorised) -> Decision:
    """What is held in vain comes to light all the same, to be let go."""
    if payment.psp_payment_id not in {None, authorised.psp_payment_id}:
        return Decision(Step.REVIEW, f"authorised_twice: {authorised.psp_payment_id}")
    if (authorised.amount_minor, authorised.currency) != _owed(payment):
        return Decision(Step.REVIEW, f"amount_mismatch: {authorised.amount_minor} {authorised.currency}")
    if payment.psp_payment_id is not None:
        return NOTHING
    if payment.status not in CAPTURABLE or payment.attempts == 0:
        return Decision(Step.REVIEW, f"authorised_while_{payment.status}: {authorised.psp_payment_id}")
    return Decision(Step.HOLD)


def _decide_void(payment: PaymentState, voided: Voided) -> Decision:
    if payment.psp_payment_id not in {None, voided.psp_payment_id}:
        return NOTHING
    if payment.status in IN_FLIGHT or payment.status is PaymentStatus.AUTHORISED:
        return Decision(Step.CANCEL, "cancelled" if payment.cancel_requested else "voided")
    if payment.status is PaymentStatus.CAPTURED:
        return Decision(Step.REVIEW, f"voided_after_capture: {voided.psp_payment_id}")
    return NOTHING


def _decide_without_effect(payment: PaymentState) -> Decision:
    if payment.cancel_requested:
        return Decision(Step.CANCEL, "cancelled")
    return Decision(Step.FAIL, "refused") if payment.attempts >= ATTEMPTS_MAX else Decision(Step.RETRY)


def _owed(payment: PaymentState) -> tuple[int, str]:
    return payment.amount_minor, payment.currency
