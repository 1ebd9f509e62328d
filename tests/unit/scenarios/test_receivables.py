"""Money that has left the house beyond a capture: named completely, owed by its customer, and checked as such."""

from dataclasses import replace

import pytest

from scenarios.checkers.money_reconciles import RECEIVABLE
from scenarios.evidence import Evidence
from scenarios.evidence.bundle import CUSTOMER_RECEIVABLE
from scenarios.repair.charges import Plan, plan
from scenarios.repair.proof import taken_back, to_do
from tests.support.anomalies import PAID, alter, change, drop, judged, refunded_beyond_the_capture, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import TOTAL_MINOR

ACCOUNTS = {"sales": CUSTOMER_RECEIVABLE, RECEIVABLE: RECEIVABLE}


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def planned(evidence: Evidence) -> Plan:
    return plan(evidence.audit, evidence.journals.psp)


def recorded(evidence: Evidence, amount_minor: int) -> Evidence:
    """As payments does it: each refund that no book has is owed by the customer."""
    ledger = evidence.audit.ledger
    unbooked = {row.id for row in evidence.audit.refunds} - {row.transaction_id for row in ledger}
    for refund_id in sorted(unbooked):
        for entry in [row for row in ledger if row.order_id == PAID and row.transaction_id == "refund-0"]:
            ledger.append(
                change(entry, id=f"{refund_id} {entry.account}", transaction_id=refund_id, kind="refund_excess",
                       account=ACCOUNTS[entry.account])
            )  # fmt: skip
    alter(evidence.audit.payments, {"overpaid_minor": amount_minor}, order_id=PAID)
    evidence.facts.repaired = True
    return replace(evidence)


def kinds(evidence: Evidence) -> set[str]:
    found = {kind for name in ("INV-05", "INV-06", "INV-07") for kind in judged(evidence, name).counts}
    return found - {"entry_altered", "chain_forked", "chain_restarted", "entry_removed"}


def test_what_went_out_beyond_the_capture_is_written_down_once_and_stays_named(evidence: Evidence) -> None:
    owed_minor = refunded_beyond_the_capture(evidence)
    (order,) = planned(evidence).orders
    assert (order.order_id, order.owe_minor, planned(evidence).settle) == (PAID, owed_minor, ())
    after = planned(recorded(evidence, owed_minor))
    assert (after.orders, to_do(after)) == ((), 0)
    assert [one.order_id for one in after.settle] == [PAID]
    assert "its customer owes that" in after.settle[0].reason


def test_the_judges_take_it_as_settled_by_people_once_it_is_owed(evidence: Evidence) -> None:
    before = replace(evidence, audit=evidence.audit)
    owed_minor = refunded_beyond_the_capture(evidence)
    assert {"refunded_more_than_captured", "provider_differs_from_payments", "orders_differ_from_provider"} <= kinds(
        evidence
    )
    after = recorded(evidence, owed_minor)
    assert kinds(after) == set()
    assert judged(after, "INV-05").observed["repaired: refunded_more_than_captured"] == 1
    untouched = FlashSale().evidence()
    assert taken_back(untouched, after) == {PAID}
    assert taken_back(before, after) == set()


def test_a_debt_is_none_of_an_excuse_before_a_repair(evidence: Evidence) -> None:
    after = recorded(evidence, refunded_beyond_the_capture(evidence))
    after.facts.repaired = False
    assert kinds(after) == {"refunded_more_than_captured"}


@pytest.mark.parametrize("change_minor", [-1, 1])
def test_a_debt_of_another_amount_than_went_out_is_found(evidence: Evidence, change_minor: int) -> None:
    owed_minor = refunded_beyond_the_capture(evidence)
    after = recorded(evidence, owed_minor)
    alter(after.audit.payments, {"overpaid_minor": owed_minor + change_minor}, order_id=PAID)
    assert {"provider_differs_from_payments", "payments_differs_from_ledger"} <= kinds(after)


def test_a_debt_without_anything_that_went_out_is_found(evidence: Evidence) -> None:
    after = recorded(evidence, refunded_beyond_the_capture(evidence))
    drop(after.journals.psp, merchant_reference="refund-1")
    drop(after.journals.psp, merchant_reference="refund-2")
    assert {"provider_differs_from_payments", "orders_differ_from_provider"} <= kinds(replace(after))


def test_a_debt_on_the_wrong_side_or_account_is_found(evidence: Evidence) -> None:
    after = recorded(evidence, refunded_beyond_the_capture(evidence))
    row = after.audit.ledger[where(after.audit.ledger, account=CUSTOMER_RECEIVABLE)]
    alter(after.audit.ledger, {"amount_minor": -row.amount_minor}, id=row.id)
    assert "wrong_side" in kinds(after)
    alter(after.audit.ledger, {"amount_minor": row.amount_minor, "account": "sales"}, id=row.id)
    assert "unknown_posting" in kinds(after)


def test_refunds_that_fit_the_capture_are_nobodys_debt(evidence: Evidence) -> None:
    refunded_beyond_the_capture(evidence, times=1)
    assert planned(evidence).empty


def test_what_was_paid_back_of_a_capture_that_was_booked_twice_is_owed_before_the_capture_goes(
    evidence: Evidence,
) -> None:
    refunded_beyond_the_capture(evidence, times=2)
    about = {"captured_minor": 2 * TOTAL_MINOR, "refunded_minor": 2 * TOTAL_MINOR}
    alter(evidence.audit.payments, about, order_id=PAID)
    booked = [row for row in evidence.audit.ledger if row.transaction_id == "refund-0"]
    evidence.audit.ledger.extend(change(row, id=f"{row.id} again", transaction_id="refund-1") for row in booked)
    (order,) = planned(evidence).orders
    assert (order.owe_minor, order.unbook_minor) == (TOTAL_MINOR, 0)
    alter(evidence.audit.payments, {"refunded_minor": TOTAL_MINOR, "overpaid_minor": TOTAL_MINOR}, order_id=PAID)
    (order,) = planned(evidence).orders
    assert (order.owe_minor, order.unbook_minor, order.pay_back_minor) == (0, TOTAL_MINOR, 0)


def test_a_cancelled_order_that_was_paid_back_too_much_is_undone_once_that_is_owed(evidence: Evidence) -> None:
    refunded_beyond_the_capture(evidence, times=2)
    alter(evidence.audit.orders, {"status": "cancelled"}, id=PAID)
    blamed = ("INV-05", "INV-11", "INV-12")
    wanted = {"unpaid_but_captured", "capture_not_undone", "cancelled_but_charged"}
    assert wanted <= {kind for name in blamed for kind in judged(replace(evidence), name).counts}
    after = recorded(evidence, TOTAL_MINOR)
    assert not wanted & {kind for name in blamed for kind in judged(after, name).counts}
    row = after.audit.ledger[where(after.audit.ledger, account=CUSTOMER_RECEIVABLE)]
    alter(after.audit.ledger, {"amount_minor": row.amount_minor - 1}, id=row.id)
    assert wanted <= {kind for name in blamed for kind in judged(replace(after), name).counts}
