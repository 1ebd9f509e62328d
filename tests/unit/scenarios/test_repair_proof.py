"""What a repair must come to: all of the damage, nothing else, once, and no mail again."""

import msgspec
import pytest

from scenarios.checkers import Outcome, Result, Stake
from scenarios.drills import scenario
from scenarios.evidence import Evidence
from scenarios.repair.proof import Proof, proof, to_do
from scenarios.verdict import Verdict
from tests.support.anomalies import OTHER, PAID, alter, corrected, where
from tests.support.builders import FlashSale

CHARGES = scenario("double-charge")
FULL = (1.0, 1.0)


def verdict(*orders: str, mails: int = 0, outcome: Outcome = Outcome.PASS) -> Verdict:
    """One that finds something wrong with these orders, and so many mails too many."""
    stakes = tuple(Stake(order_id=order_id, customer_id="", amount_minor=100, currency="EUR") for order_id in orders)
    results = (
        Result(id="INV-05", name="charged-once", outcome=outcome, checked=1, stakes=stakes),
        Result(id="INV-17", name="one-mail", outcome=outcome, checked=1, counts={"mailed_twice": mails}),
    )
    return Verdict(outcome=outcome, scenario="double-charge", seed=1, results=results)


def sale(*cancelled: str, paid_back: tuple[str, ...] = (), repriced: tuple[str, ...] = ()) -> Evidence:
    evidence = FlashSale().evidence()
    for order_id in cancelled:
        alter(evidence.audit.orders, {"status": "cancelled"}, id=order_id)
    for order_id in paid_back:
        capture = evidence.journals.psp[where(evidence.journals.psp, kind="capture", merchant_reference=order_id)]
        evidence.journals.psp.append(msgspec.structs.replace(capture, kind="refund", payment_reference=order_id))
    for order_id in repriced:
        corrected(evidence, order_id)
    return evidence


def proven(before: Verdict, after: Verdict, *, now: Evidence, left: int = 0) -> Proof:
    return proof(CHARGES, (sale(), before), (now, after), left=left, directory="")


UNDONE = ["cancelled", "paid back", "corrected"]


@pytest.mark.parametrize("now", [sale(PAID), sale(paid_back=(PAID,)), sale(repriced=(PAID,))], ids=UNDONE)
def test_who_was_wronged_is_made_whole(now: Evidence) -> None:
    found = proven(verdict(PAID, outcome=Outcome.FAIL), verdict(), now=now)
    assert (found.holds, (found.precision, found.recall)) == (True, FULL)


@pytest.mark.parametrize(
    "now", [sale(PAID, OTHER), sale(paid_back=(PAID, OTHER)), sale(repriced=(PAID, OTHER))], ids=UNDONE
)
def test_an_order_that_was_right_and_is_taken_back_costs_precision(now: Evidence) -> None:
    found = proven(verdict(PAID, outcome=Outcome.FAIL), verdict(), now=now)
    assert (found.holds, (found.precision, found.recall)) == (False, (0.5, 1.0))


def test_an_order_whose_customer_complained_is_rightly_taken_back() -> None:
    before, now = sale(), sale(OTHER)
    for evidence in (before, now):
        alter(evidence.audit.order_lines, {"quantity": 2}, order_id=OTHER)
    found = proof(CHARGES, (before, verdict(outcome=Outcome.FAIL)), (now, verdict()), left=0, directory="")
    assert (found.precision, found.recall) == FULL


def test_an_order_that_is_wrong_still_costs_recall() -> None:
    before, after = verdict(PAID, OTHER, outcome=Outcome.FAIL), verdict(OTHER, outcome=Outcome.FAIL)
    found = proven(before, after, now=sale(PAID))
    assert (found.holds, (found.precision, found.recall)) == (False, (1.0, 0.5))


def test_where_nothing_is_wrong_and_nothing_is_done_all_holds() -> None:
    assert proven(verdict(), verdict(), now=sale()).holds


def test_a_mail_that_came_again_by_the_repair_breaks_it_and_one_from_before_does_not() -> None:
    """The verdict after it has no mails from before it."""
    before = verdict(PAID, mails=5, outcome=Outcome.FAIL)
    assert [proven(before, verdict(mails=mails), now=sale()).told_twice for mails in (0, 1, 3)] == [0, 1, 3]
    assert not proven(before, verdict(mails=1), now=sale()).holds


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INVALID])
def test_only_a_verdict_that_passes_holds(outcome: Outcome) -> None:
    assert not proven(verdict(PAID, outcome=Outcome.FAIL), verdict(outcome=outcome), now=sale()).holds


def test_what_a_second_repair_would_do_breaks_it() -> None:
    assert not proven(verdict(PAID, outcome=Outcome.FAIL), verdict(), now=sale(), left=1).holds


class _Plan(msgspec.Struct):
    orders: tuple[str, ...] = ()
    dead_letters: int = 0
    settle: tuple[str, ...] = ()


def test_what_only_people_can_settle_is_nothing_to_do() -> None:
    assert to_do(_Plan(settle=("a",))) == 0
    assert to_do(_Plan(orders=("a", "b"), dead_letters=3)) == 2
