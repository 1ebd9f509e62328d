"""Two runs side by side differ where they differed, and nowhere else."""

from scenarios.comparison import SUBJECTS, Comparison, Run, compare, shown
from scenarios.verdict import judge
from tests.support.anomalies import charged_twice
from tests.support.builders import FlashSale


def run(*spoils, **sale) -> Run:
    evidence = FlashSale(**sale).evidence()
    for spoil in spoils:
        spoil(evidence)
    return Run(name="a run", evidence=evidence, verdict=judge(evidence))


def differing(comparison: Comparison) -> set[str]:
    return {line.name for line in comparison.differences}


def test_a_run_does_not_differ_from_itself() -> None:
    comparison = compare(run(), run())
    assert comparison.differences == ()
    assert {line.subject for line in comparison.lines} == set(SUBJECTS)


def test_what_a_defect_did_is_a_difference() -> None:
    comparison = compare(run(), run(charged_twice))
    assert {"verdict", "at stake", "INV-05 charged-once", "INV-06 money-reconciles"} <= differing(comparison)
    (line,) = [line for line in comparison.lines if line.name == "INV-05 charged-once"]
    assert (line.first, line.second.startswith("fail, 1 × captured_twice")) == ("pass", True)


def test_slower_answers_and_rarer_states_are_differences() -> None:
    comparison = compare(run(), run(answer_s=0.24))
    assert "place_order p50, ms" in differing(comparison)
    assert "last-unit-raced" in differing(comparison)


def test_what_one_run_lacks_is_shown_as_lacking() -> None:
    lonely = run()
    lonely.evidence.facts.figures["load"]["p99_ms"] = 3.0
    (line,) = compare(lonely, run()).differences
    assert shown([line]) == [("figure", "load: p99_ms", "3", "–", "≠")]


def test_a_table_names_each_subject_once() -> None:
    rows = shown(compare(run(), run()).lines)
    named = [subject for subject, *_ in rows if subject]
    assert named == list(dict.fromkeys(named))
