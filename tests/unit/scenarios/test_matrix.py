"""How the judge's own errors are counted, when the matrix holds, and that a stopped one goes on."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import drills, planting
from scenarios import matrix as matrices
from scenarios.checkers import Outcome
from scenarios.drills import flash_sale
from scenarios.matrix import Choice, Matrix, Played, Row, Turn, counted, turns
from scenarios.repair.proof import Proof
from scenarios.report import heat_map
from scenarios.resumable import PLAYED, Journal
from scenarios.runner import RunOptions
from scenarios.verdict import NONE_PLANTED, Verdict
from tests.support.builders.verdicts import PASSED, TOO_WEAK, violated

CARD = flash_sale.SCENARIO.defect("hasty-sweeper")
NAMED = CARD.caught_by[0]
CHOICE = Choice(defects={"flash-sale": (CARD.id, "read-then-write"), "double-charge": ()}, runs=4, first_seed=10)


def played(turn: Turn, verdict: Verdict) -> Played:
    return Played(turn=turn, outcome=verdict.outcome, failed=verdict.failed, directory=f"run-{turn.seed}")


def row_of(subject: str, *verdicts: Verdict) -> Row:
    row = Row(subject=subject, caught_by=CARD.caught_by if subject == CARD.id else ())
    for seed, verdict in enumerate(verdicts):
        matrices.count(row, played(Turn(scenario="flash-sale", subject=subject, seed=seed), verdict))
    return row


def broken(*verdicts: Verdict) -> Row:
    return row_of(CARD.id, *verdicts)


def healthy(*verdicts: Verdict) -> Row:
    return row_of(NONE_PLANTED, *verdicts)


def test_every_run_is_counted_by_its_outcome() -> None:
    row = broken(PASSED, violated(NAMED), violated("INV-99"), TOO_WEAK, TOO_WEAK)
    assert (row.runs, row.passed, row.failed, row.invalid) == (5, 1, 2, 2)


def test_a_run_that_failed_by_another_invariant_is_no_detection() -> None:
    row = broken(violated("INV-99"), violated("INV-99", NAMED))
    assert (row.failed, row.named) == (2, 1)


def test_any_of_the_named_invariants_is_a_detection_and_counts_once() -> None:
    assert len(CARD.caught_by) > 1
    assert [broken(violated(name)).named for name in CARD.caught_by] == [1] * len(CARD.caught_by)
    assert broken(violated(*CARD.caught_by)).named == 1


def test_violations_are_counted_per_invariant_over_all_runs() -> None:
    row = broken(violated("INV-01", "INV-02"), violated("INV-02"), PASSED)
    assert row.by_invariant == {"INV-01": 1, "INV-02": 2}


def test_a_healthy_run_names_nothing_though_its_false_alarms_are_counted() -> None:
    row = healthy(violated(NAMED), PASSED)
    assert (row.named, row.failed, row.by_invariant) == (0, 1, {NAMED: 1})


@pytest.mark.parametrize(
    ("caught", "runs", "held"),
    [
        (1, 1, True), (0, 1, False), (2, 3, False), (4, 5, False), (5, 5, True), (5, 6, True), (4, 6, False),
        (19, 20, True), (18, 20, False), (38, 39, True), (37, 39, False), (38, 40, True), (37, 40, False),
    ],
)  # fmt: skip
def test_one_run_in_twenty_may_miss_a_defect_and_one_from_six_runs_on(caught: int, runs: int, held: bool) -> None:
    assert broken(*[violated(NAMED)] * caught, *[PASSED] * (runs - caught)).holds is held


@pytest.mark.parametrize(
    "missed", [PASSED, TOO_WEAK, violated("INV-99")], ids=["passed", "too weak", "other invariant"]
)
def test_a_run_that_did_not_name_its_defect_counts_against_it(missed: Verdict) -> None:
    assert not broken(*[violated(NAMED)] * 18, missed, missed).holds


def test_a_single_false_alarm_breaks_the_matrix() -> None:
    assert not healthy(*[PASSED] * 999, violated("INV-02")).holds


def test_healthy_runs_that_were_all_too_weak_clear_nobody() -> None:
    assert not healthy(TOO_WEAK, TOO_WEAK).holds
    assert healthy(TOO_WEAK, PASSED).holds


def test_a_row_that_was_never_played_does_not_hold() -> None:
    assert not counted(CHOICE, []).holds


@given(st.integers(1, 60), st.integers(1, 30))
def test_healthy_runs_stand_behind_ever_more_defects_and_the_last_behind_all(runs: int, defects: int) -> None:
    """Damage that outlives its defect would show there."""
    cards = tuple(f"d{number}" for number in range(defects))
    every = list(turns(Choice(defects={"flash-sale": cards}, runs=runs, first_seed=0)))
    rounds = [[turn.subject for turn in every if turn.seed == seed] for seed in range(runs)]
    places = [subjects.index(NONE_PLANTED) for subjects in rounds]
    assert places == sorted(places)
    assert places[-1] == defects
    assert max(after - before for before, after in pairwise([0, *places])) <= -(-defects // runs)


def test_no_row_is_more_than_a_run_behind_another_wherever_it_is_stopped() -> None:
    counts = Counter[tuple[str, str]]({(turn.scenario, turn.subject): 0 for turn in turns(CHOICE)})
    for turn in turns(CHOICE):
        counts[turn.scenario, turn.subject] += 1
        assert max(counts.values()) - min(counts.values()) <= 1


def test_every_row_of_every_scenario_has_its_runs_with_their_seeds() -> None:
    every = list(turns(CHOICE))
    assert len(every) == len(set(every)) == 4 * (3 + 1)
    assert {turn.seed for turn in every} == {10, 11, 12, 13}
    assert Counter((turn.scenario, turn.subject) for turn in every) == {
        ("flash-sale", NONE_PLANTED): 4,
        ("flash-sale", CARD.id): 4,
        ("flash-sale", "read-then-write"): 4,
        ("double-charge", NONE_PLANTED): 4,
    }
    assert [turn for turn in every if turn.scenario == "flash-sale"][-1].subject == NONE_PLANTED


class Runs:
    """Stands for the runner: every defect is caught; killed when it was called so often."""

    def __init__(self, *, killed_after: int = 1_000) -> None:
        self.played: list[tuple[str, str | None, int]] = []
        self._killed_after = killed_after

    async def run(self, fleet: Any, scenario: Any, options: RunOptions) -> Any:
        del fleet
        if len(self.played) == self._killed_after:
            raise KeyboardInterrupt
        self.played.append((scenario.id, options.defect, options.seed))
        verdict = violated(*scenario.defect(options.defect).caught_by) if options.defect else PASSED
        return SimpleNamespace(verdict=verdict, directory=Path("somewhere"))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch):
    async def nothing_left(_: Any) -> None:
        """No defect was left planted."""

    monkeypatch.setattr(planting, "clear", nothing_left)

    def use(**how: int) -> Runs:
        made = Runs(**how)
        monkeypatch.setattr(matrices, "run", made.run)
        return made

    return use


async def whole(directory: Path, told: list[tuple[int, int]] | None = None) -> Matrix:
    def report(_: Turn, done: int, total: int) -> None:
        if told is not None:
            told.append((done, total))

    return await matrices.matrix(SimpleNamespace(), CHOICE, directory, report)  # type: ignore[arg-type]


async def test_a_matrix_plays_everything_and_holds(runs, tmp_path: Path) -> None:
    played_by, told = runs(), []
    found = await whole(tmp_path, told)
    assert found.holds
    assert len(played_by.played) == 16
    assert told == [(number, 16) for number in range(1, 17)]
    assert {row.subject: row.runs for row in found.rows if row.scenario == "flash-sale"} == {
        NONE_PLANTED: 4, CARD.id: 4, "read-then-write": 4,
    }  # fmt: skip


@pytest.mark.parametrize(("recall", "holds"), [(1.0, True), (0.5, False)])
async def test_a_matrix_with_repairs_holds_when_each_undid_its_damage(
    runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recall: float, holds: bool
) -> None:
    runs()

    async def prove(_fleet: Any, incident: Any, _run: Path, _verdict: Verdict) -> Proof:
        return Proof(repair=incident.repair, outcome=Outcome.PASS, precision=1.0, recall=recall, left=0, told_twice=0)

    monkeypatch.setattr(matrices, "prove", prove)
    choice = Choice(defects={"flash-sale": (CARD.id,)}, runs=1, first_seed=1, repair=True)
    fleet: Any = SimpleNamespace()
    found = await matrices.matrix(fleet, choice, tmp_path, lambda *_: None)
    assert [(row.subject, len(row.proofs)) for row in found.rows] == [(NONE_PLANTED, 0), (CARD.id, 1)]
    assert (found.rows[1].repaired, found.holds) == (int(holds), holds)


@pytest.mark.parametrize("killed_after", [0, 1, 7, 15])
async def test_a_matrix_that_was_killed_goes_on_with_the_runs_that_it_lacks(runs, tmp_path, killed_after: int) -> None:
    stopped = runs(killed_after=killed_after)
    with pytest.raises(KeyboardInterrupt):
        await whole(tmp_path)
    again, told = runs(), []
    found = await whole(tmp_path, told)
    assert len(again.played) == 16 - killed_after
    assert not set(again.played) & set(stopped.played)
    assert sum(row.runs for row in found.rows) == 16
    assert found.holds
    assert told[-1] == (16, 16)


async def test_a_line_that_was_cut_off_is_played_again(runs, tmp_path: Path) -> None:
    runs()
    await whole(tmp_path)
    journal = tmp_path / PLAYED
    journal.write_bytes(journal.read_bytes()[:-7])
    again = runs()
    assert (await whole(tmp_path)).holds
    assert len(again.played) == 1
    assert len(Journal(tmp_path, Played).played) == 16


def example() -> Matrix:
    every = [
        played(turn, violated("INV-99") if turn.subject == "read-then-write" else violated(*CARD.caught_by))
        for turn in turns(CHOICE)
        if turn.subject != NONE_PLANTED
    ]
    every += [played(turn, PASSED) for turn in turns(CHOICE) if turn.subject == NONE_PLANTED]
    return counted(CHOICE, every)


def test_the_heat_map_says_what_was_caught_and_what_was_missed() -> None:
    found = example()
    html = heat_map.page(found)
    assert not found.holds
    assert "DOES NOT HOLD" in html
    assert html.count(">MISSED<") == 1
    assert html.count(">HOLDS<") == 3
    assert 'class="heat named" style="--heat:100">4</td>' in html
    assert "<script" not in html
    assert "http" not in html


def test_the_markdown_table_has_a_cell_for_every_invariant_and_names_those_of_the_card() -> None:
    found = example()
    lines = heat_map.markdown(found).splitlines()
    assert len(lines) == 2 + len(found.rows)
    assert len({line.count("|") for line in lines}) == 1
    assert "INV-99" in lines[0]
    row = next(line for line in lines if f"| {CARD.id} |" in line)
    assert "caught by name in 4 of 4 runs" in row
    assert "| **4** |" in row
    assert all("0 false alarms in 4 runs" in line for line in lines if f"| {NONE_PLANTED} |" in line)


def test_a_false_alarm_is_called_one() -> None:
    every = [played(turn, violated(NAMED) if turn.seed == 10 else PASSED) for turn in turns(CHOICE)]
    html = heat_map.page(counted(CHOICE, every))
    assert html.count(">ALARM<") == 2
    assert "alarm" in html


def test_every_scenario_can_be_put_into_a_matrix() -> None:
    choice = Choice(
        defects={one.id: tuple(card.id for card in one.defects) for one in drills.SCENARIOS}, runs=1, first_seed=1
    )
    assert len(counted(choice, []).rows) == sum(1 + len(one.defects) for one in drills.SCENARIOS)
