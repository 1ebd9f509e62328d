"""What was told or lies in a log from before a repair nobody can undo; what came since is judged like all else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from scenarios.checkers import Outcome
from scenarios.evidence import Evidence, in_scope
from tests.support.anomalies import buried, change, judged, mailed_for_two_events, mailed_twice
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import fixed_id

TOLD_AGAIN = [(mailed_twice, "mailed_twice"), (mailed_for_two_events, "same_mail_again")]


def repaired_at(evidence: Evidence, at: float) -> Evidence:
    evidence.facts.repaired = True
    evidence.facts.repair_began_at = at
    return replace(evidence)


@pytest.mark.parametrize(("damage", "kind"), TOLD_AGAIN)
def test_a_mail_that_came_twice_before_a_repair_is_past(damage: Callable[[Evidence], None], kind: str) -> None:
    evidence = FlashSale().evidence()
    damage(evidence)
    told_at = evidence.journals.smtp[-1].at
    after = judged(repaired_at(evidence, told_at + 1), "INV-17")
    assert (after.outcome, after.observed[f"repaired: {kind}"]) == (Outcome.PASS, 1)
    assert judged(repaired_at(evidence, told_at), "INV-17").counts == {kind: 1}


@pytest.mark.parametrize(("damage", "kind"), TOLD_AGAIN)
def test_a_mail_that_a_repair_sent_again_is_none_of_the_past(damage: Callable[[Evidence], None], kind: str) -> None:
    evidence = FlashSale().evidence()
    damage(evidence)
    evidence.journals.smtp[-1] = change(evidence.journals.smtp[-1], at=evidence.journals.smtp[-1].at + 100)
    assert judged(repaired_at(evidence, evidence.journals.smtp[-1].at - 50), "INV-17").counts == {kind: 1}


def test_a_copy_on_the_log_that_says_what_a_row_says_is_past_and_one_that_says_something_else_is_not() -> None:
    evidence = FlashSale().evidence()
    copied = next(line for line in evidence.journals.tap if line.type == "order.paid")
    evidence.journals.tap.append(change(copied, event_id=fixed_id("copy"), offset=9_999))
    since = copied.timestamp_ms / 1000
    after = judged(repaired_at(evidence, since + 1), "INV-13")
    assert (after.outcome, after.observed["repaired: event_without_row"]) == (Outcome.PASS, 1)
    assert judged(repaired_at(evidence, since), "INV-13").counts == {"event_without_row": 1}
    invented = change(evidence.journals.tap[-1], aggregate_version=copied.aggregate_version + 100)
    evidence.journals.tap[-1] = invented
    assert judged(repaired_at(evidence, since + 1), "INV-13").counts == {"event_without_row": 1}


def test_a_letter_of_a_record_from_before_the_run_is_of_another_though_nobody_has_its_event() -> None:
    evidence = FlashSale().evidence()
    first = next(line for line in evidence.journals.tap if line.topic == "orders.events")
    for offset, name in ((first.offset + 500, "of this run"), (first.offset + 499, "of the one before")):
        buried(evidence, event_id=fixed_id(name), offset_=offset)
    early = {"offset": first.offset + 499, "timestamp_ms": int(evidence.facts.started_at * 1000) - 1}
    evidence.journals.tap[:] = [
        change(line, offset=line.offset + 500) if line.topic == "orders.events" else line
        for line in evidence.journals.tap
    ]
    evidence.journals.tap.append(change(first, event_id=fixed_id("of the one before"), **early))
    kept = {letter.event_id for letter in in_scope(evidence).audit.dead_letters}
    assert kept == {fixed_id("of this run")}
