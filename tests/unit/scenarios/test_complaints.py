"""What only customers know: orders of other goods, a second order of one key, and orders that nobody asked for."""

from collections.abc import Callable

import pytest

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence, FaultFired
from scenarios.repair import charges
from scenarios.repair.complaints import complaints
from scenarios.verdict import judge
from tests.support.anomalies import (
    PAID,
    alter,
    answer_of_another,
    change,
    copy_order,
    judged,
    keyless,
    line_doubled,
    mismatch_accepted,
    order_from_nowhere,
    refused_at_the_opening,
    two_answers,
    two_effects,
    where,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT, fixed_id

TWIN = fixed_id("order", "twin")
GHOST = fixed_id("ghost")


def ordered_twice(evidence: Evidence) -> None:
    """Buyer 2, who clicks twice, was answered with two orders, and both are there."""
    two_effects(evidence)
    copy_order(evidence, TWIN, 2)


def from_nowhere(evidence: Evidence) -> None:
    order_from_nowhere(evidence)
    known = evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    alter(evidence.audit.orders, {"customer_id": known.customer_id, "idempotency_key": "nobody's"}, id=GHOST)


def test_nobody_complains_of_a_healthy_sale() -> None:
    assert complaints(FlashSale().evidence()) == frozenset()


@pytest.mark.parametrize(
    ("damage", "named"),
    [(line_doubled, PAID), (from_nowhere, GHOST), (ordered_twice, TWIN)],
    ids=["other goods", "nobody asked", "the second of one key"],
)
def test_who_got_what_was_not_asked_for_complains(damage: Callable[[Evidence], None], named: str) -> None:
    evidence = FlashSale().evidence()
    damage(evidence)
    assert complaints(evidence) == {named}


def test_a_named_order_is_taken_back_by_the_repair_of_charges_and_once() -> None:
    evidence = FlashSale().evidence()
    line_doubled(evidence)
    planned = charges.plan(evidence.audit, evidence.journals.psp, complaints(evidence))
    assert (planned.orders, planned.recall, planned.empty) == ((), (PAID,), False)
    alter(evidence.audit.orders, {"status": "refunded"}, id=PAID)
    assert charges.plan(evidence.audit, evidence.journals.psp, complaints(evidence)).empty


def test_an_order_that_nobody_asked_for_is_damage_until_it_is_taken_back() -> None:
    evidence = FlashSale().evidence()
    from_nowhere(evidence)
    evidence.facts.repaired = True
    assert judged(evidence, "INV-09").counts == {"order_never_attempted": 1}
    alter(evidence.audit.orders, {"status": "refunded"}, id=GHOST)
    assert judged(evidence, "INV-09").outcome is Outcome.PASS


def test_an_order_that_its_client_was_told_of_was_asked_for_whatever_key_it_is_stored_under() -> None:
    evidence = FlashSale().evidence()
    alter(evidence.audit.orders, {"idempotency_key": "another"}, id=PAID)
    told = judged(evidence, "INV-09")
    assert told.outcome is Outcome.PASS
    assert told.observed["orders stored under another key than their clients', who were told of them"] == 1


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (mismatch_accepted, "INV-10"),
        (two_answers, "INV-10"),
        (answer_of_another, "INV-10"),
        (refused_at_the_opening, "INV-24"),
    ],
)
def test_what_was_told_is_past_once_a_fleet_is_repaired(damage: Callable[[Evidence], None], invariant: str) -> None:
    evidence = FlashSale().evidence()
    damage(evidence)
    assert judged(evidence, invariant).outcome is Outcome.FAIL
    evidence.facts.repaired = True
    told = judged(evidence, invariant)
    assert told.outcome is Outcome.PASS
    assert any(kind.startswith("repaired: ") for kind in told.observed)


def test_a_record_that_lies_under_no_key_stays_there_once_a_fleet_is_repaired() -> None:
    evidence = FlashSale().evidence()
    keyless(evidence)
    assert judged(evidence, "INV-13").counts == {"wrong_key": 1}
    evidence.facts.repaired = True
    assert judged(evidence, "INV-13").outcome is Outcome.PASS


def test_a_repaired_fleet_is_not_asked_again_how_hard_its_run_was() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired(name="down", target="orders:kafka", at=LOAD_STARTED_AT, confirmed=False))
    assert judge(evidence).outcome is Outcome.INVALID
    evidence.facts.repaired = True
    assert judge(evidence).outcome is Outcome.PASS


@pytest.mark.parametrize(("status", "stands"), [("paid", True), ("refunded", False)])
def test_a_second_order_that_its_customer_sent_back_stands_no_more(status: str, *, stands: bool) -> None:
    evidence = FlashSale().evidence()
    ordered_twice(evidence)
    alter(evidence.audit.orders, {"status": status}, id=TWIN)
    evidence.facts.repaired = True
    assert ("two_effects_for_key" in judged(evidence, "INV-10").counts) is stands


@pytest.mark.parametrize(("sign", "wrong"), [(-1, 0), (1, 2)], ids=["back", "again"])
def test_a_capture_that_never_was_is_booked_back_on_the_other_sides(sign: int, wrong: int) -> None:
    evidence = FlashSale().evidence()
    known = [entry for entry in evidence.audit.ledger if entry.order_id == PAID]
    evidence.audit.ledger += [
        change(entry, kind="capture_reversed", amount_minor=sign * entry.amount_minor) for entry in known
    ]
    assert judged(evidence, "INV-07").counts.get("wrong_side", 0) == wrong
