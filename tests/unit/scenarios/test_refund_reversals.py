"""Refunds that were booked and never made: what a repair does about them, and what the judges make of that."""

from dataclasses import replace

import pytest

from scenarios.checkers import Outcome
from scenarios.checkers.money_reconciles import RECEIVABLE
from scenarios.evidence import Evidence
from scenarios.evidence.rows import OrderTransitionRow
from scenarios.repair.charges import Plan, plan
from scenarios.repair.proof import to_do
from tests.support.anomalies import PAID, alter, change, judged, refund_booked_twice, webhook_forged, where
from tests.support.builders import FlashSale

MONEY = ("INV-06", "INV-07", "INV-16")


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def planned(evidence: Evidence) -> Plan:
    return plan(evidence.audit, evidence.journals.psp)


def reversed_(evidence: Evidence, amount_minor: int) -> Evidence:
    """As payments does it: entries on the other sides, the sums lowered, the orders and analytics told."""
    for booked in [row for row in evidence.audit.ledger if row.transaction_id == "booked again"]:
        evidence.audit.ledger.append(
            change(booked, id=f"{booked.id} reversed", transaction_id="reversed", kind="refund_reversed",
                   amount_minor=-booked.amount_minor, previous_hash="", entry_hash="")
        )  # fmt: skip
    payment = evidence.audit.payments[where(evidence.audit.payments, order_id=PAID)]
    alter(evidence.audit.payments, {"refunded_minor": payment.refunded_minor - amount_minor}, order_id=PAID)
    evidence.facts.repaired = True
    return replace(evidence)


def test_a_refund_that_was_booked_again_is_taken_out_of_the_books_once(evidence: Evidence) -> None:
    amount_minor = refund_booked_twice(evidence)
    (order,) = planned(evidence).orders
    assert (order.order_id, order.unrefund_minor, order.give_back, order.unbook_minor) == (PAID, amount_minor, (), 0)
    assert planned(reversed_(evidence, amount_minor)).empty


def test_the_judge_sees_it_until_it_is_reversed(evidence: Evidence) -> None:
    amount_minor = refund_booked_twice(evidence)
    assert "provider_differs_from_payments" in judged(evidence, "INV-06").counts
    after = reversed_(evidence, amount_minor)
    kinds = {kind for name in ("INV-06", "INV-07") for kind in judged(after, name).counts}
    assert not {"provider_differs_from_payments", "payments_differs_from_ledger", "ledger_differs_from_sales",
                "wrong_side", "unknown_posting", "transaction_unbalanced"} & kinds  # fmt: skip


def test_a_reversal_on_the_wrong_side_is_a_violation(evidence: Evidence) -> None:
    after = reversed_(evidence, refund_booked_twice(evidence))
    row = after.audit.ledger[where(after.audit.ledger, kind="refund_reversed", account=RECEIVABLE)]
    alter(after.audit.ledger, {"amount_minor": -row.amount_minor}, kind="refund_reversed", account=RECEIVABLE)
    assert "wrong_side" in judged(after, "INV-07").counts


def test_a_reversal_that_nobody_was_told_of_is_a_violation(evidence: Evidence) -> None:
    after = reversed_(evidence, refund_booked_twice(evidence))
    assert "change_without_event" in judged(after, "INV-13").counts


@pytest.mark.parametrize(("reason", "is_booked", "outcome"), [
    ("refund_reversed", True, Outcome.PASS), ("refunded", True, Outcome.FAIL), ("refund_reversed", False, Outcome.FAIL),
])  # fmt: skip
def test_only_a_reversed_refund_leads_an_order_back_from_refunded(
    evidence: Evidence, reason: str, is_booked: bool, outcome: Outcome
) -> None:
    if is_booked:
        evidence = reversed_(evidence, refund_booked_twice(evidence))
    status = evidence.orders[PAID].status
    for before, after in ((status, "refunded"), ("refunded", "shipped")):
        evidence.audit.order_transitions.append(OrderTransitionRow(PAID, before, after, 9e9, "payments", reason))
    alter(evidence.audit.orders, {"status": "shipped"}, id=PAID)
    illegal = judged(replace(evidence), "INV-12").counts.get("illegal_transition", 0)
    assert (illegal == 0) is (outcome is Outcome.PASS)


def test_a_webhook_that_nobody_sent_is_disowned_once(evidence: Evidence) -> None:
    webhook_forged(evidence)
    (event_id,) = planned(evidence).webhooks
    assert to_do(planned(evidence)) == 1
    alter(evidence.audit.webhooks, {"outcome": "disowned"}, event_id=event_id)
    assert planned(evidence).empty
    assert judged(evidence, "INV-14").counts == {"webhook_from_nowhere": 1}
    evidence.facts.repaired = True
    assert judged(evidence, "INV-14").outcome is Outcome.PASS
