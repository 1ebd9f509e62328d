"""Plays a load suite on a running fleet, as a run like any other: judged, reported, comparable."""

from collections.abc import Callable

from loadtests.locust_load import LocustLoad, Manner
from loadtests.suite import LoadParameters, Suite
from scenarios.checkers import ALL_CHECKERS, named
from scenarios.fleet import Fleet
from scenarios.plan import FULL, QUICK, Form, Scenario
from scenarios.runner import RunOptions, RunResult, run

QUIESCE_S = 120.0
PREFIX = "load-"
"""What the names of runs of a suite begin with."""


def scenario_of(suite: Suite, parameters: LoadParameters, manner: Manner) -> Scenario:
    """The suite as a scenario without faults and defects."""
    form = Form(parameters=parameters, quiesce_s=QUIESCE_S)
    return Scenario(
        id=f"{PREFIX}{suite.id}",
        title=f"Load: {suite.title}",
        story=suite.story,
        workload=LocustLoad(suite, manner),
        forms={FULL: form, QUICK: form},
        skips=suite.skips,
        checkers=(*ALL_CHECKERS, *named("LOAD-01")),
        replay=(
            f"shopctl load run {suite.id} --users {parameters.users} --rate {parameters.rate:g} "
            f"--for {parameters.for_s:g} --processes {parameters.processes}"
        ),
    )


async def play(
    fleet: Fleet, suite: Suite, parameters: LoadParameters, manner: Manner, *, seed: int, report: Callable[[str], None]
) -> RunResult:
    """Raises what a run raises."""
    return await run(fleet, scenario_of(suite, parameters, manner), RunOptions(seed=seed), report)
