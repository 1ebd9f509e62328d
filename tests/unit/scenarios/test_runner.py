"""What the runner knows before it touches a fleet: how a run is played again, and which processes there will be."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from scenarios import runner
from scenarios.checkers import named
from scenarios.plan import QUICK
from scenarios.preparation import processes_of
from scenarios.runner import RunOptions, replay_command
from tests.support.fakes.noop import NoopWorkload, noop_scenario


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({"seed": 1}, "shopctl scenario run noop --seed 1"),
        ({"seed": 7, "form": QUICK}, "shopctl scenario run noop --seed 7 --quick"),
        (
            {"seed": 7, "form": QUICK, "defect": "read-then-write"},
            "shopctl scenario run noop --seed 7 --quick --defect read-then-write",
        ),
        (
            {"seed": 2, "overrides": {"operations": "50", "share": "0.5"}},
            "shopctl scenario run noop --seed 2 --set operations=50 --set share=0.5",
        ),
        (
            {"seed": 3, "form": QUICK, "kills": ("orders-1", "kafka")},
            "shopctl scenario run noop --seed 3 --quick --kill orders-1 --kill kafka",
        ),
    ],
    ids=["full", "quick", "defect", "overrides", "kills"],
)
def test_the_replay_command_names_all_that_was_chosen(options: dict[str, Any], command: str) -> None:
    assert replay_command(noop_scenario(NoopWorkload()), RunOptions(**options)) == command


def test_a_process_that_the_scenario_itself_will_start_can_be_killed() -> None:
    known = processes_of({"inventory-1", "kafka"}, {"inventory": 2})
    assert known == {"inventory-1", "inventory-2", "kafka"}


def test_a_process_that_runs_beyond_what_the_scenario_needs_can_be_killed() -> None:
    assert "inventory-3" in processes_of({"inventory-1", "inventory-2", "inventory-3"}, {"inventory": 2})


def test_the_watch_of_a_load_asks_the_judges_of_every_moment_but_those_skipped() -> None:
    healthy = noop_scenario(NoopWorkload())
    asked = replace(healthy, checkers=named("INV-01", "INV-02", "INV-07"), skips={"INV-02": "a reason"})
    for scenario, ids in ((healthy, []), (asked, ["INV-07"])):
        plan = runner._Plan.of(scenario, RunOptions(seed=1))
        watch = runner._watched(cast("Any", None), plan, None, cast("Any", None), runner.silent, started_at=0.0)
        assert [checker.id for checker in watch._checkers] == ids
