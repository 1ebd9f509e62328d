"""A payment for an order that nobody placed: what a repair does about it, and what the judges make of that."""

from dataclasses import replace

import pytest

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence
from scenarios.evidence.rows import AnnulmentRow
from scenarios.repair import projections
from scenarios.repair.events import Misread, Plan, plan
from tests.support.anomalies import PAID, alter, annulled_though_ordered, change, judged, misread, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import SUBSCRIPTIONS, TOTAL_MINOR, fixed_id

GHOST = fixed_id("ordered by nobody")
JUDGES = ("INV-05", "INV-16", "INV-18")


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def planned(evidence: Evidence) -> Plan:
    return plan(evidence.audit, evidence.journals.tap, SUBSCRIPTIONS)


def paid_back(evidence: Evidence, annulment: AnnulmentRow) -> Evidence:
    lines = evidence.journals.psp
    capture = lines[where(lines, kind="capture", merchant_reference=GHOST)]
    lines.append(change(capture, kind="refund", payment_reference=GHOST, idempotency_key=""))
    alter(evidence.audit.payments, {"refunded_minor": TOTAL_MINOR}, order_id=GHOST)
    alter(evidence.audit.order_facts, {"refunded_minor": TOTAL_MINOR}, order_id=GHOST)
    evidence.audit.annulments.append(annulment)
    evidence.facts.repaired = True
    return replace(evidence)


def test_what_payments_took_for_an_order_is_annulled_once(evidence: Evidence) -> None:
    annulment = misread(evidence, GHOST)
    made = planned(evidence)
    assert made.misread == (Misread("payments", annulment.event_id, GHOST),)
    assert [(one.consumer, one.letters, one.poison) for one in made.consumers] == [("orders", 1, ())]
    assert planned(paid_back(evidence, annulment)).empty


def test_an_order_that_somebody_placed_is_never_annulled(evidence: Evidence) -> None:
    misread(evidence, PAID)
    assert planned(evidence).misread == ()


def test_the_judges_see_it_and_take_it_as_undone_once_it_was_annulled(evidence: Evidence) -> None:
    annulment = misread(evidence, GHOST)
    kinds = {kind for name in JUDGES for kind in judged(evidence, name).counts}
    assert kinds == {"captured_without_order", "counted_without_order", "poison_not_set_aside", "event_left_dead"}
    after = paid_back(evidence, annulment)
    assert judged(after, "INV-05").outcome is Outcome.PASS
    assert judged(after, "INV-18").outcome is Outcome.PASS
    assert "counted_without_order" not in judged(after, "INV-16").counts
    assert GHOST not in projections.plan(after).orders


@pytest.mark.parametrize(
    ("invariant", "kind"), [("INV-18", "poison_not_set_aside"), ("INV-18", "event_left_dead"),
                            ("INV-16", "counted_without_order"), ("INV-05", "captured_without_order")],
)  # fmt: skip
def test_an_annulment_that_paid_nothing_back_undoes_nothing(evidence: Evidence, invariant: str, kind: str) -> None:
    after = paid_back(evidence, misread(evidence, GHOST))
    del after.journals.psp[-1]
    assert kind in judged(replace(after), invariant).counts


def test_an_annulment_undoes_its_own_event_alone(evidence: Evidence) -> None:
    after = paid_back(evidence, change(misread(evidence, GHOST), event_id=fixed_id("another")))
    assert "poison_not_set_aside" in judged(after, "INV-18").counts


def test_what_was_not_given_back_is_still_counted_too_much(evidence: Evidence) -> None:
    after = paid_back(evidence, misread(evidence, GHOST))
    alter(after.audit.order_facts, {"refunded_minor": 1}, order_id=GHOST)
    assert "counted_without_order" in judged(after, "INV-16").counts


def test_the_annulment_of_an_order_that_somebody_placed_is_a_violation(evidence: Evidence) -> None:
    annulled_though_ordered(evidence)
    evidence.facts.repaired = True
    assert judged(evidence, "INV-05").counts == {"annulled_though_ordered": 1}
