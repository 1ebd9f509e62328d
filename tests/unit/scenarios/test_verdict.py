import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.checkers import Outcome, named
from scenarios.evidence import FaultFired
from scenarios.junit import junit_xml, printable
from scenarios.verdict import combined, judge
from tests.support.anomalies import charged_twice, oversell
from tests.support.builders import FlashSale

EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INVALID: 3}


def test_a_healthy_sale_passes_with_exit_code_0() -> None:
    verdict = judge(FlashSale().evidence())
    assert (verdict.outcome, verdict.exit_code, verdict.failed) == (Outcome.PASS, 0, ())
    assert verdict.blast.orders == 0


def test_equal_evidence_gives_an_equal_verdict() -> None:
    assert judge(FlashSale().evidence()) == judge(FlashSale().evidence())


def test_a_violation_fails_with_exit_code_1_and_names_its_damage() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    verdict = judge(evidence)
    assert verdict.exit_code == 1
    assert set(verdict.failed) == {"INV-05", "INV-06"}
    assert (verdict.blast.orders, verdict.blast.customers) == (1, 1)
    assert verdict.blast.money_minor == {"EUR": 7629}


def test_the_first_violation_is_told_from_the_start_of_the_load() -> None:
    evidence = FlashSale().evidence()
    oversell(evidence, range(14, 20))
    first = judge(evidence).first_violation
    assert first is not None
    assert 0 < first.after_s < 2


def test_a_fault_that_never_bit_makes_the_run_invalid() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired("kill", 0.0, "inventory-1"))
    verdict = judge(evidence)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INVALID, 3)
    assert "inventory-1" in verdict.weaknesses[0]


def test_a_problem_of_the_snapshot_makes_the_run_invalid() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.problems.append("search.inbox: connection refused")
    assert judge(evidence).outcome is Outcome.INVALID


def test_a_skipped_invariant_is_named_with_its_reason() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.skips["INV-04"] = "no limits here"
    verdict = judge(evidence)
    assert verdict.skipped == {"INV-04": "no limits here"}
    assert "INV-04" not in {result.id for result in verdict.results}


def test_judging_nothing_is_invalid() -> None:
    assert judge(FlashSale().evidence(), []).outcome is Outcome.INVALID


@given(st.lists(st.sampled_from(Outcome), min_size=1))
def test_fail_outweighs_invalid_and_invalid_is_never_a_pass(outcomes: list[Outcome]) -> None:
    expected = next(outcome for outcome in (Outcome.FAIL, Outcome.INVALID, Outcome.PASS) if outcome in outcomes)
    assert combined(outcomes) is expected


@pytest.mark.parametrize(("outcome", "code"), EXIT_CODES.items())
def test_exit_codes(outcome: Outcome, code: int) -> None:
    evidence = FlashSale().evidence()
    if outcome is Outcome.FAIL:
        charged_twice(evidence)
    if outcome is Outcome.INVALID:
        evidence.facts.problems.append("x")
    assert judge(evidence).exit_code == code


def test_junit_counts_failures_errors_and_skips() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    evidence.facts.skips["INV-04"] = "no limits"
    evidence.facts.problems.append("tap: away")
    text = junit_xml(judge(evidence)).decode()
    assert 'tests="21" failures="2" errors="1" skipped="1"' in text
    assert "captured_twice" in text


def test_junit_survives_what_xml_cannot_carry() -> None:
    assert printable("a\x00b\x1b[31m") == "ab[31m"
    evidence = FlashSale().evidence()
    evidence.facts.skips["INV-04"] = '<"&\x07'
    assert b"&lt;" in junit_xml(judge(evidence, named("INV-01")))
