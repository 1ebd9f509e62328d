import itertools
from uuid import UUID, uuid4

import pytest

from svc.payments.domain import (
    ATTEMPTS_MAX,
    NOTHING,
    Absent,
    Authorised,
    Captured,
    Decision,
    Declined,
    DisputeStatus,
    DisputeTold,
    InDoubt,
    NotSent,
    PaymentState,
    PaymentStatus,
    Refunded,
    RefundStatus,
    Step,
    Voided,
    charge_key,
    decide_charge,
    decide_dispute,
    decide_refund,
    payment_id_of,
    read_charges,
)

pytestmark = pytest.mark.service("payments")

CAPTURED = Captured("pay_1", 100, "EUR")
WITHOUT_MONEY = (Declined("no"), InDoubt("?"), NotSent("!"), Absent())


def a_payment(status=PaymentStatus.PROCESSING, **more):
    facts = {"amount_minor": 100, "currency": "EUR", "attempts": 1}
    return PaymentState(id=uuid4(), order_id=uuid4(), status=status, **{**facts, **more})


@pytest.mark.parametrize("status", ["pending", "processing", "unknown", "cancelled"])
def test_a_capture_settles_whatever_is_not_settled(status):
    assert decide_charge(a_payment(PaymentStatus(status)), CAPTURED).step is Step.SETTLE


def test_the_same_capture_again_changes_nothing():
    captured = a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_1")
    assert decide_charge(captured, CAPTURED) == NOTHING


@pytest.mark.parametrize(
    ("payment", "capture", "reason"),
    [
        (a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_0"), CAPTURED, "captured_twice: pay_1"),
        (
            a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_1"),
            Captured("pay_1", 99, "EUR"),
            "amount_mismatch: 99 EUR",
        ),
        (a_payment(), Captured("pay_1", 99, "EUR"), "amount_mismatch: 99 EUR"),
        (a_payment(), Captured("pay_1", 100, "USD"), "amount_mismatch: 100 USD"),
        (a_payment(PaymentStatus.FAILED), CAPTURED, "captured_while_failed: pay_1"),
        (a_payment(PaymentStatus.CANCELLED, attempts=0), CAPTURED, "captured_while_cancelled: pay_1"),
    ],
)
def test_a_capture_that_cannot_be_is_reviewed(payment, capture, reason):
    assert decide_charge(payment, capture) == Decision(Step.REVIEW, reason)


@pytest.mark.parametrize(
    ("status", "outcome"), list(itertools.product(["pending", "captured", "failed", "cancelled"], WITHOUT_MONEY))
)
def test_what_moved_no_money_touches_only_a_payment_in_flight(status, outcome):
    assert decide_charge(a_payment(PaymentStatus(status)), outcome) == NOTHING


@pytest.mark.parametrize("status", ["processing", "unknown"])
def test_a_doubt_is_never_taken_for_a_failure(status):
    assert decide_charge(a_payment(PaymentStatus(status)), InDoubt("timeout")).step is Step.DOUBT
    assert decide_charge(a_payment(PaymentStatus(status), attempts=ATTEMPTS_MAX), InDoubt("")).step is Step.DOUBT


@pytest.mark.parametrize("outcome", [NotSent("refused"), Absent()])
def test_a_call_without_effect_is_repeated_unless_the_order_is_off(outcome):
    assert decide_charge(a_payment(), outcome).step is Step.RETRY
    assert decide_charge(a_payment(cancel_requested=True), outcome) == Decision(Step.CANCEL, "cancelled")
    assert decide_charge(a_payment(attempts=ATTEMPTS_MAX), outcome) == Decision(Step.FAIL, "refused")


def test_a_matching_capture_outweighs_everything_else_the_psp_knows():
    payment = a_payment(psp_payment_id="pay_2")
    other, second = Captured("pay_9", 5, "EUR"), Captured("pay_2", 100, "EUR")
    assert read_charges(payment, [Declined("no"), other, CAPTURED, second]) == second
    assert read_charges(payment, [Declined("no"), other, CAPTURED]) == CAPTURED
    assert read_charges(payment, [Declined("no"), other]) == other
    assert read_charges(payment, [Declined("no")]) == Declined("no")
    assert read_charges(payment, []) == Absent()


def test_repeats_share_one_payment_and_one_key():
    order_id = uuid4()
    assert payment_id_of(order_id) == payment_id_of(order_id) != payment_id_of(uuid4())
    assert charge_key(payment_id_of(order_id)) == charge_key(payment_id_of(order_id))


@pytest.mark.parametrize("status", ["pending", "processing", "unknown"])
@pytest.mark.parametrize(
    ("outcome", "step"),
    [
        (Refunded("ref_1", 100, "EUR"), Step.SETTLE),
        (Refunded("ref_1", 99, "EUR"), Step.REVIEW),
        (Refunded("ref_1", 100, "USD"), Step.REVIEW),
        (Declined("refund_exceeds_capture"), Step.FAIL),
        (InDoubt("timeout"), Step.DOUBT),
        (NotSent("refused"), Step.RETRY),
        (Absent(), Step.RETRY),
    ],
)
def test_an_open_refund_follows_its_outcome(status, outcome, step):
    decision = decide_refund(status=RefundStatus(status), amount_minor=100, currency="EUR", attempts=1, outcome=outcome)
    assert decision.step is step


@pytest.mark.parametrize("status", ["succeeded", "failed"])
@pytest.mark.parametrize("outcome", [Refunded("ref_1", 100, "EUR"), *WITHOUT_MONEY])
def test_an_ended_refund_stays_as_it_is(status, outcome):
    decision = decide_refund(status=RefundStatus(status), amount_minor=100, currency="EUR", attempts=1, outcome=outcome)
    assert decision == NOTHING


@pytest.mark.parametrize("told", [Refunded("ref_1", 99, "EUR"), Refunded("ref_1", 100, "USD")])
def test_a_refund_that_succeeded_is_looked_at_when_it_is_told_of_another_amount(told):
    decision = decide_refund(status=RefundStatus.SUCCEEDED, amount_minor=100, currency="EUR", attempts=1, outcome=told)
    assert decision == Decision(Step.REVIEW, f"amount_mismatch: {told.amount_minor} {told.currency}")


HELD = Authorised("pay_1", 100, "EUR")


def apart(status=PaymentStatus.PROCESSING, **more):
    return a_payment(status, capture_apart=True, **more)


@pytest.mark.parametrize(
    ("payment", "decision"),
    [
        (apart(), Decision(Step.HOLD)),
        (apart(PaymentStatus.UNKNOWN), Decision(Step.HOLD)),
        (apart(PaymentStatus.CANCELLED), Decision(Step.HOLD)),  # held in vain: it comes to light to be let go
        (apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1"), NOTHING),
        (apart(PaymentStatus.CAPTURED, psp_payment_id="pay_1"), NOTHING),
        (apart(PaymentStatus.CANCELLED, psp_payment_id="pay_1"), NOTHING),
        (apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_0"), Decision(Step.REVIEW, "authorised_twice: pay_1")),
        (
            apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1", amount_minor=99),
            Decision(Step.REVIEW, "amount_mismatch: 100 EUR"),
        ),
        (apart(amount_minor=99), Decision(Step.REVIEW, "amount_mismatch: 100 EUR")),
        (apart(PaymentStatus.PENDING, attempts=0), Decision(Step.REVIEW, "authorised_while_pending: pay_1")),
        (apart(PaymentStatus.FAILED), Decision(Step.REVIEW, "authorised_while_failed: pay_1")),
        (a_payment(), Decision(Step.DOUBT)),  # to be captured at once, which the PSP has not done yet
        (a_payment(PaymentStatus.CAPTURED), NOTHING),
    ],
)
def test_what_an_authorisation_means(payment, decision):
    assert decide_charge(payment, HELD) == decision


@pytest.mark.parametrize(
    ("payment", "decision"),
    [
        (apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1"), Decision(Step.CANCEL, "voided")),
        (
            apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1", cancel_requested=True),
            Decision(Step.CANCEL, "cancelled"),
        ),
        (apart(), Decision(Step.CANCEL, "voided")),  # told before the authorisation itself
        (apart(PaymentStatus.CANCELLED, psp_payment_id="pay_1"), NOTHING),
        (apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_0"), NOTHING),
        (apart(PaymentStatus.CAPTURED, psp_payment_id="pay_1"), Decision(Step.REVIEW, "voided_after_capture: pay_1")),
        (a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_1"), NOTHING),
    ],
)
def test_what_a_void_means(payment, decision):
    assert decide_charge(payment, Voided("pay_1")) == decision


def test_what_is_held_is_captured_once():
    held = apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1")
    assert decide_charge(held, CAPTURED).step is Step.SETTLE
    assert decide_charge(apart(PaymentStatus.CAPTURED, psp_payment_id="pay_1"), CAPTURED) == NOTHING


@pytest.mark.parametrize("outcome", WITHOUT_MONEY)
def test_what_is_held_is_not_ended_by_a_late_answer_to_the_charge(outcome):
    assert decide_charge(apart(PaymentStatus.AUTHORISED, psp_payment_id="pay_1"), outcome) == NOTHING


def test_of_all_the_psp_knows_a_capture_counts_first_then_what_is_held_then_what_was_let_go():
    found = [Declined("no"), Voided("pay_0"), HELD, CAPTURED]
    assert read_charges(apart(), found) == CAPTURED
    assert read_charges(apart(), found[:3]) == HELD
    assert read_charges(apart(), found[:2]) == Voided("pay_0")


OPENED, WON, LOST = DisputeStatus


def a_dispute(status=OPENED, **more):
    facts = {"psp_dispute_id": "dsp", "psp_payment_id": "pay_1", "amount_minor": 100, "currency": "EUR", "reason": "r"}
    return DisputeTold(status=status, **{**facts, **more})


@pytest.mark.parametrize(
    ("known", "told", "step"),
    [
        (None, OPENED, Step.SETTLE), (None, WON, Step.SETTLE), (None, LOST, Step.SETTLE),
        (OPENED, OPENED, Step.NOTHING), (OPENED, WON, Step.SETTLE), (OPENED, LOST, Step.SETTLE),
        (WON, OPENED, Step.NOTHING), (WON, WON, Step.NOTHING), (WON, LOST, Step.REVIEW),
        (LOST, OPENED, Step.NOTHING), (LOST, WON, Step.REVIEW), (LOST, LOST, Step.NOTHING),
    ],
)  # fmt: skip
def test_a_dispute_is_opened_once_and_ends_once(known, told, step):
    paid = a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_1")
    assert decide_dispute(paid, a_dispute(told), known=known, is_extra=False).step is step


@pytest.mark.parametrize(
    ("payment", "told", "is_extra", "step"),
    [
        (a_payment(PaymentStatus.UNKNOWN), a_dispute(), False, Step.SETTLE),
        (a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_0"), a_dispute(), True, Step.SETTLE),
        (a_payment(PaymentStatus.CAPTURED, psp_payment_id="pay_0"), a_dispute(), False, Step.REVIEW),
        (a_payment(PaymentStatus.FAILED), a_dispute(), False, Step.REVIEW),
        (a_payment(PaymentStatus.CANCELLED), a_dispute(), False, Step.REVIEW),
        (a_payment(PaymentStatus.UNKNOWN), a_dispute(amount_minor=101), False, Step.REVIEW),
        (a_payment(PaymentStatus.UNKNOWN), a_dispute(currency="USD"), False, Step.REVIEW),
    ],
)
def test_a_dispute_is_of_what_was_or_may_be_captured(payment, told, is_extra, step):
    assert decide_dispute(payment, told, known=None, is_extra=is_extra).step is step


def test_the_id_of_an_orders_payment_is_the_same_in_every_release():
    assert str(payment_id_of(UUID(int=1))) == "b9a2c244-0b59-514c-a0fa-21994bb15a60"


def test_a_decline_fails_the_payment_in_the_words_of_its_event():
    assert decide_charge(a_payment(), Declined("card_expired")) == Decision(Step.FAIL, "declined")


@pytest.mark.parametrize(
    ("attempts", "outcome", "decision"),
    [
        (1, Refunded("ref_1", 99, "EUR"), Decision(Step.REVIEW, "amount_mismatch: 99 EUR")),
        (1, Declined("refund_exceeds_capture"), Decision(Step.FAIL, "refund_exceeds_capture")),
        (ATTEMPTS_MAX - 1, Absent(), Decision(Step.RETRY)),
        (ATTEMPTS_MAX, Absent(), Decision(Step.FAIL, "given_up")),
        (ATTEMPTS_MAX, NotSent("refused"), Decision(Step.FAIL, "given_up")),
    ],
)
def test_a_refund_ends_with_its_reason_and_is_given_up_after_its_last_attempt(attempts, outcome, decision):
    open_refund = {"status": RefundStatus.PROCESSING, "amount_minor": 100, "currency": "EUR"}
    assert decide_refund(**open_refund, attempts=attempts, outcome=outcome) == decision


@pytest.mark.parametrize(("amount_minor", "step"), [(-1, Step.REVIEW), (0, Step.REVIEW), (1, Step.SETTLE)])
def test_a_dispute_is_of_some_money(amount_minor, step):
    told = a_dispute(amount_minor=amount_minor)
    assert decide_dispute(a_payment(PaymentStatus.UNKNOWN), told, known=None, is_extra=False).step is step


def test_a_dispute_that_cannot_be_says_which_and_why():
    payment = a_payment(PaymentStatus.FAILED)
    assert decide_dispute(payment, a_dispute(), known=None, is_extra=False).reason == "dispute_unexpected: dsp"
    again = decide_dispute(payment, a_dispute(WON), known=LOST, is_extra=False)
    assert again.reason == "dispute_won_after_lost: dsp"
