"""The generator watches itself: whether the load was what the plan said."""

import itertools
import os

import pytest

from scenarios.workloads.open_model import IN_FLIGHT_MAX, LATENESS_MS_P99_MAX, NICE, EngineReport, first_served, play


def engine(*, lateness_ms_p99: float = 1.0, in_flight_max: int = 10) -> EngineReport:
    return EngineReport(
        arrivals=100,
        in_flight_max=in_flight_max,
        lateness_ms_p50=0.5,
        lateness_ms_p99=lateness_ms_p99,
        cpu_share=0.1,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    "report",
    [engine(lateness_ms_p99=LATENESS_MS_P99_MAX + 1), engine(in_flight_max=IN_FLIGHT_MAX)],
    ids=["late", "crowded"],
)
def test_a_generator_that_could_not_keep_up_is_a_problem(report: EngineReport) -> None:
    (problem,) = report.load.problems
    assert "the load generator was the bottleneck" in problem
    assert f"{report.lateness_ms_p99:.0f} ms late" in problem


def test_a_generator_at_its_bounds_kept_up() -> None:
    report = engine(lateness_ms_p99=LATENESS_MS_P99_MAX, in_flight_max=IN_FLIGHT_MAX - 1)
    assert report.load.problems == ()
    assert report.load.figures["arrivals"] == 100


async def test_every_client_is_started_and_awaited() -> None:
    ended: list[int] = []

    async def client(index: int) -> None:
        ended.append(index)

    report = await play([0.0, 0.0, 0.01], client)
    assert sorted(ended) == [0, 1, 2]
    assert report.arrivals == 3


async def test_arrivals_may_end_when_they_like() -> None:
    ended: list[int] = []

    async def client(index: int) -> None:
        ended.append(index)

    arrivals = itertools.takewhile(lambda _: len(ended) < 3, itertools.count(0.0, 0.001))
    report = await play(arrivals, client)
    assert report.arrivals == len(ended) >= 3


def test_clients_are_served_first_where_they_may_and_not_for_longer_than_they_play():
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with first_served():
        assert os.getpriority(os.PRIO_PROCESS, 0) in {NICE, usual}
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual
