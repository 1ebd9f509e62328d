"""A failed run is made smaller by bisection, within its bound, and goes on where it was stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.operator_error import OperatorError
from scenarios import runner
from scenarios.checkers import Outcome
from scenarios.drills import flash_sale
from scenarios.plan import QUICK
from scenarios.run_directory import save_plan
from scenarios.runner import RunOptions, RunResult
from scenarios.shrinking import TRIED, Candidate, Dimension, Shrunk, dimensions_of, failed_run, shrink, smaller
from scenarios.verdict import save_verdict
from tests.support.builders.verdicts import PASSED, violated

FORM = flash_sale.SCENARIO.forms[QUICK]
OPTIONS = RunOptions(seed=7, form=QUICK, defect="read-then-write", kills=("kafka",))
Fails = Callable[[Candidate], bool]


def searched(fails: Fails, *, faults: int = 0, dimensions: tuple[Dimension, ...] = ()) -> Candidate:
    search = smaller(Candidate(), faults=faults, dimensions=dimensions)
    candidate = next(search)
    while True:
        try:
            candidate = search.send(fails(candidate))
        except StopIteration as found:
            return found.value


def units(candidate: Candidate, name: str, default: float) -> float:
    return float(candidate.overrides.get(name, default))


@pytest.mark.parametrize("needed", [1, 2, 17, 50, 99, 400])
def test_a_dimension_is_bisected_to_an_eighth_of_what_is_needed(needed: int) -> None:
    buyers = Dimension(name="buyers", value=400, least=1, step=1)
    found = units(searched(lambda one: units(one, "buyers", 400) >= needed, dimensions=(buyers,)), "buyers", 400)
    assert needed <= found <= max(needed + 1, needed * 8 / 7)


def test_faults_that_are_not_needed_are_left_out() -> None:
    assert searched(lambda one: not {2, 4} & set(one.without), faults=5).without == (1, 3, 5)


def test_what_always_fails_ends_at_the_least_of_everything() -> None:
    dimensions = dimensions_of(FORM.parameters)
    found = searched(lambda _: True, faults=3, dimensions=dimensions)
    assert found.without == (1, 2, 3)
    assert {name: float(value) for name, value in found.overrides.items()} == {
        one.name: one.least for one in dimensions
    }


def test_what_never_fails_again_stays_as_it_was() -> None:
    assert searched(lambda _: False, faults=3, dimensions=dimensions_of(FORM.parameters)) == Candidate()


def test_counts_and_the_duration_are_dimensions_and_shares_are_none() -> None:
    assert {one.name for one in dimensions_of(FORM.parameters)} == {
        "units", "buyers", "over_s", "volley", "greedy_orders", "guests",
    }  # fmt: skip


def failed(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    save_plan(directory, {"scenario": "flash-sale", "options": OPTIONS})
    save_verdict(violated("INV-02", "INV-03"), directory)
    return directory


class Player:
    """Fails by an invariant as long as there are enough buyers."""

    def __init__(self, invariant: str = "INV-02", *, buyers_min: int = 100, dies_after: int = 1_000) -> None:
        self.played: list[RunOptions] = []
        self._invariant, self._buyers_min, self._dies_after = invariant, buyers_min, dies_after

    async def play(self, options: RunOptions) -> RunResult:
        if len(self.played) == self._dies_after:
            raise KeyboardInterrupt
        self.played.append(options)
        buyers = int(options.overrides.get("buyers", "400"))
        verdict = violated(self._invariant) if buyers >= self._buyers_min else PASSED
        return RunResult(verdict=verdict, directory=Path(f"run-{len(self.played)}"), seconds=1.0)


async def shrunk(directory: Path, player: Player, *, runs_max: int = 100) -> Shrunk:
    return await shrink(failed_run(directory), player.play, lambda _: None, runs_max=runs_max)


async def test_the_command_plays_the_smaller_run(tmp_path: Path) -> None:
    player = Player()
    found = await shrunk(failed(tmp_path / "run"), player)
    assert found.finished
    assert found.command.startswith(
        "shopctl scenario run flash-sale --seed 7 --quick --defect read-then-write --without 1"
    )
    assert "--kill" not in found.command
    assert 100 <= int(found.candidate.overrides["buyers"]) <= 115
    assert all((one.seed, one.defect) == (7, "read-then-write") for one in player.played)
    last = next(one for one in reversed(player.played) if one.overrides == found.candidate.overrides)
    assert found.directory == f"run-{player.played.index(last) + 1}"


async def test_another_invariant_is_another_failure(tmp_path: Path) -> None:
    found = await shrunk(failed(tmp_path / "run"), Player("INV-17"))
    assert found.candidate == Candidate(kills=("kafka",))
    assert found.directory == str(tmp_path / "run")


async def test_the_bound_on_runs_holds_and_the_next_search_goes_on(tmp_path: Path) -> None:
    directory = failed(tmp_path / "run")
    whole, bounded = Player(), Player()
    expected = await shrunk(failed(tmp_path / "other"), whole)
    steps = 0
    while not (found := await shrunk(directory, bounded, runs_max=3)).finished:
        steps += 1
        assert len(bounded.played) == found.runs == 3 * steps
    assert steps == (len(whole.played) - 1) // 3
    assert found.command == expected.command
    assert bounded.played == whole.played


async def test_a_search_that_was_stopped_plays_nothing_twice(tmp_path: Path) -> None:
    directory = failed(tmp_path / "run")
    stopped, again = Player(dies_after=4), Player()
    with pytest.raises(KeyboardInterrupt):
        await shrunk(directory, stopped)
    await shrunk(directory, again)
    assert again.played[0] not in stopped.played
    assert (directory / TRIED).exists()


def test_only_a_failed_run_can_be_made_smaller(tmp_path: Path) -> None:
    directory = failed(tmp_path / "run")
    save_verdict(PASSED, directory)
    assert PASSED.outcome is Outcome.PASS
    with pytest.raises(OperatorError) as refused:
        failed_run(directory)
    assert (refused.value.code, refused.value.exit_code) == ("run.not_failed", 2)


def test_a_directory_without_a_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as refused:
        failed_run(tmp_path)
    assert refused.value.code == "run.unreadable"


def test_a_fault_that_is_left_out_is_not_played_and_one_that_is_not_there_is_refused() -> None:
    steps = runner._Plan.of(flash_sale.SCENARIO, RunOptions(seed=1, form=QUICK, without=(1, 2))).steps
    assert steps == FORM.faults[2:]
    with pytest.raises(OperatorError) as refused:
        runner._Plan.of(flash_sale.SCENARIO, RunOptions(seed=1, form=QUICK, without=(99,)))
    assert refused.value.code == "step.unknown"
