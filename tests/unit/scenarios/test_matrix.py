"""How the judge's own errors are counted, and when the matrix holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import matrix as matrices
from scenarios.defects.card import DefectCard
from scenarios.drills import flash_sale
from scenarios.matrix import NONE_PLANTED, Row
from scenarios.verdict import Verdict
from tests.support.builders.verdicts import PASSED, TOO_WEAK, violated

CARD = flash_sale.SCENARIO.defect("hasty-sweeper")
NAMED = CARD.caught_by[0]


def counted(card: DefectCard | None, *verdicts: Verdict) -> Row:
    row = Row(subject=card.id if card else NONE_PLANTED)
    for verdict in verdicts:
        matrices._count(row, verdict, card)
    return row


def holds(card: DefectCard | None, *verdicts: Verdict) -> bool:
    return matrices._holds(counted(card, *verdicts))


def test_every_run_is_counted_by_its_outcome() -> None:
    row = counted(CARD, PASSED, violated(NAMED), violated("INV-99"), TOO_WEAK, TOO_WEAK)
    assert (row.runs, row.passed, row.failed, row.invalid) == (5, 1, 2, 2)


def test_a_run_that_failed_by_another_invariant_is_no_detection() -> None:
    row = counted(CARD, violated("INV-99"), violated("INV-99", NAMED))
    assert (row.failed, row.named) == (2, 1)


def test_any_of_the_named_invariants_is_a_detection_and_counts_once() -> None:
    assert len(CARD.caught_by) > 1
    assert [counted(CARD, violated(name)).named for name in CARD.caught_by] == [1] * len(CARD.caught_by)
    assert counted(CARD, violated(*CARD.caught_by)).named == 1


def test_violations_are_counted_per_invariant_over_all_runs() -> None:
    row = counted(CARD, violated("INV-01", "INV-02"), violated("INV-02"), PASSED)
    assert row.by_invariant == {"INV-01": 1, "INV-02": 2}


def test_a_healthy_run_names_nothing_though_its_false_alarms_are_counted() -> None:
    row = counted(None, violated(NAMED), PASSED)
    assert (row.named, row.failed, row.by_invariant) == (0, 1, {NAMED: 1})


@pytest.mark.parametrize(
    ("caught", "runs", "held"),
    [(20, 20, True), (19, 20, True), (18, 20, False), (38, 40, True), (37, 40, False), (1, 1, True), (2, 3, False)],
)
def test_a_defect_must_be_caught_by_name_in_nineteen_of_twenty_runs(caught: int, runs: int, held: bool) -> None:
    assert holds(CARD, *[violated(NAMED)] * caught, *[PASSED] * (runs - caught)) is held


@pytest.mark.parametrize(
    "missed", [PASSED, TOO_WEAK, violated("INV-99")], ids=["passed", "too weak", "other invariant"]
)
def test_a_run_that_did_not_name_its_defect_counts_against_it(missed: Verdict) -> None:
    assert not holds(CARD, *[violated(NAMED)] * 18, missed, missed)


def test_the_bound_is_the_same_for_any_number_of_runs() -> None:
    """Nineteen twentieths, not what a float makes of it."""
    for runs in range(20, 1_001, 20):
        least = runs * 19 // 20
        assert matrices._holds(Row(subject=CARD.id, runs=runs, named=least))
        assert not matrices._holds(Row(subject=CARD.id, runs=runs, named=least - 1))


def test_a_single_false_alarm_breaks_the_matrix() -> None:
    assert not holds(None, *[PASSED] * 999, violated("INV-02"))


def test_healthy_runs_that_were_all_too_weak_clear_nobody() -> None:
    assert not holds(None, TOO_WEAK, TOO_WEAK)
    assert holds(None, TOO_WEAK, PASSED)


@given(st.integers(0, 1_000), st.integers(1, 40))
def test_the_healthy_runs_are_spread_evenly_and_none_is_lost(runs: int, places: int) -> None:
    shares = matrices.spread(runs, over=places)
    assert (len(shares), sum(shares)) == (places, runs)
    assert max(shares) - min(shares) <= 1


@given(st.integers(1, 1_000), st.integers(2, 40))
def test_a_healthy_run_comes_after_the_last_defect(runs: int, places: int) -> None:
    """Damage that outlives its defect would show there."""
    assert matrices.spread(runs, over=places)[-1] >= 1
