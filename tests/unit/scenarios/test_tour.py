"""When the tour of `shopctl demo` has shown what it must show."""

from pathlib import Path
from typing import Any, cast

import pytest

from scenarios import tour
from scenarios.drills import scenario
from scenarios.fleet import Fleet
from scenarios.runner import RunOptions, RunResult, silent
from scenarios.tour import DEFECT, SCENARIO, Tour, holds
from scenarios.verdict import Verdict
from tests.support.builders.verdicts import PASSED, TOO_WEAK, violated

CAUGHT_BY = ("INV-02", "INV-12")
CAUGHT = violated("INV-02")


def test_it_holds_when_the_healthy_sale_passed_and_the_broken_one_was_caught() -> None:
    assert holds(PASSED, CAUGHT, caught_by=CAUGHT_BY)
    assert holds(PASSED, violated("INV-01", "INV-12"), caught_by=CAUGHT_BY)


@pytest.mark.parametrize("healthy", [CAUGHT, TOO_WEAK], ids=["failed", "too weak"])
def test_a_healthy_sale_that_did_not_pass_breaks_it(healthy: Verdict) -> None:
    assert not holds(healthy, CAUGHT, caught_by=CAUGHT_BY)


@pytest.mark.parametrize(
    "broken", [PASSED, TOO_WEAK, violated("INV-01")], ids=["passed", "too weak", "failed by another invariant"]
)
def test_a_broken_sale_that_was_not_caught_by_name_breaks_it(broken: Verdict) -> None:
    assert not holds(PASSED, broken, caught_by=CAUGHT_BY)


def test_the_tour_plants_a_defect_of_its_scenario_that_names_who_catches_it() -> None:
    assert scenario(SCENARIO).defect(DEFECT).caught_by


def played(verdict: Verdict) -> RunResult:
    return RunResult(verdict=verdict, directory=Path("runs"), seconds=1.0)


@pytest.mark.parametrize(
    ("healthy", "broken", "exit_code"),
    [(PASSED, CAUGHT, 0), (CAUGHT, CAUGHT, 1), (PASSED, PASSED, 1), (TOO_WEAK, CAUGHT, 3), (PASSED, TOO_WEAK, 3)],
    ids=["as it must be", "healthy failed", "not caught", "healthy too weak", "broken too weak"],
)
def test_the_exit_code_tells_a_wrong_outcome_from_none(healthy: Verdict, broken: Verdict, exit_code: int) -> None:
    shown = Tour(healthy=played(healthy), broken=played(broken), holds=holds(healthy, broken, caught_by=CAUGHT_BY))
    assert shown.exit_code == exit_code


@pytest.mark.parametrize(
    ("verdicts", "last"),
    [([PASSED], PASSED), ([CAUGHT], CAUGHT), ([TOO_WEAK, PASSED], PASSED), ([TOO_WEAK, TOO_WEAK], TOO_WEAK)],
    ids=["passed", "failed", "too weak once", "too weak twice"],
)
async def test_a_sale_too_weak_to_judge_is_played_once_more(
    verdicts: list[Verdict], last: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_come = list(verdicts)

    async def run(*_: Any) -> RunResult:
        return played(to_come.pop(0))

    monkeypatch.setattr(tour, "run", run)
    result = await tour._judged(cast("Fleet", None), scenario(SCENARIO), RunOptions(seed=1), silent)
    assert (result.verdict, to_come) == (last, [])
