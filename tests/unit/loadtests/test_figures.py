"""Figures beside floors, and the one table of all of them."""

from datetime import UTC, datetime

import pytest

from loadtests.benchmarks.elsewhere import ELSEWHERE, Elsewhere
from loadtests.benchmarks.figures_page import BUSY, Machine, Measurement, Run, exit_code, page
from loadtests.benchmarks.reporting import all_reached, figure, goal_text

FLOOR = ("a floor", 20.0)


def cost(measured=50.0, **changes):
    return figure("cost of a thing", "ms", **{"measured": measured, "beside": FLOOR, **changes})


def run(*measurements, cores=2):
    return Run(
        at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        command="python -m loadtests.benchmarks",
        machine=Machine(cores=cores, python="3.11.7", system="Linux on x86_64"),
        measurements=measurements,
    )


def measurement(*figures, name="costs", code=0, load=0.5):
    return Measurement(benchmark=name, exit_code=code, load_average=load, figures=figures)


def row(text, name="costs"):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return line


def test_the_ratio_is_measured_over_what_stands_beside():
    assert cost().ratio == 2.5
    assert cost(1.0, beside=("a floor", 3.0)).ratio == 0.3333


@pytest.mark.parametrize(("measured", "reached"), [(59.9, True), (60.0, True), (60.1, False)])
def test_a_goal_is_a_limit_itself_included(measured, reached):
    assert cost(measured, goal=60.0).reached is reached


@pytest.mark.parametrize(("measured", "reached"), [(99.9, False), (100.0, True)])
def test_a_goal_of_the_ratio_is_the_least_that_is_wanted(measured, reached):
    assert cost(measured, goal=5.0, goal_of="ratio", at_least=True).reached is reached


def test_a_figure_without_a_goal_misses_none():
    assert cost(1e9).reached is None
    assert all_reached((cost(1e9), cost(1.0, goal=2.0)))
    assert not all_reached((cost(1e9), cost(3.0, goal=2.0)))


def test_what_stands_beside_nothing_has_no_ratio_and_reaches_no_ratio():
    unknown = cost(beside=("a floor", 0.0), goal=5.0, goal_of="ratio", at_least=True)
    assert (unknown.ratio, unknown.reached) == (None, False)
    assert cost(beside=("a floor", 0.0), goal=60.0).reached is True


def test_goals_are_told_as_limits_and_as_multiples():
    assert goal_text(cost(goal=60.0)) == "≤ 60"
    assert goal_text(cost(goal=5.0, goal_of="ratio", at_least=True)) == "≥ 5 ×"
    assert goal_text(cost()) == "–"


def test_a_row_says_what_was_measured_beside_what():
    text = page(run(measurement(cost(goal=60.0))))
    assert (
        row(text) == "| costs | cost of a thing | 50 ms | ≤ 60 | reached | a floor: 20 | 2.5 | 0.5 |"
    )  # fmt: skip
    assert "**missed**" in row(page(run(measurement(cost(goal=40.0)))))


def test_the_page_names_the_machine_the_day_and_the_command():
    text = page(run())
    for said in ("2 cores", "Python 3.11.7", "2026-01-02 03:04 UTC", "`python -m loadtests.benchmarks`"):
        assert said in text


@pytest.mark.parametrize(("load", "marked"), [(2.0, False), (2.1, True)])
def test_a_row_from_a_machine_with_more_to_do_than_cores_is_marked(load, marked):
    assert (BUSY in row(page(run(measurement(cost(), load=load))))) is marked


def test_a_benchmark_that_failed_has_a_row_that_says_so():
    assert "failed, exit code 70" in row(page(run(measurement(code=70))))


def test_what_is_measured_elsewhere_stands_with_its_command():
    text = page(run(), [Elsewhere("units oversold", "0", ("shopctl scenario run flash-sale",))])
    assert "| units oversold | 0 | `shopctl scenario run flash-sale` |" in text
    assert all(it.what in page(run()) for it in ELSEWHERE)


@pytest.mark.parametrize(
    ("codes", "expected"), [((), 0), ((0, 0), 0), ((0, 1), 1), ((1, 70), 3), ((0, 2), 3), ((-9, 0), 3)]
)
def test_a_failure_outweighs_a_miss(codes, expected):
    assert exit_code([measurement(code=code) for code in codes]) == expected
