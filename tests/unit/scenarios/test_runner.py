"""What the runner knows before it touches a fleet: how a run is played again, and which processes there will be."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from scenarios import runner
from scenarios.checkers import Result, named
from scenarios.evidence import RunFacts
from scenarios.history import HistoryWriter
from scenarios.live_looker import Sight
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


async def test_the_watch_of_a_load_asks_the_judges_of_every_moment_but_those_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sight] = []

    class Eyes:
        def __init__(self, sight: Sight) -> None:
            self._sight = sight

        async def look(self, facts: RunFacts) -> list[Result] | None:
            assert facts.load_started_at == 7.0
            asked.append(self._sight)
            return []

        async def close(self) -> None:
            asked.append(self._sight)

    monkeypatch.setattr(runner, "Looker", Eyes)
    fleet: Any = SimpleNamespace(audit_urls=dict)
    healthy = noop_scenario(NoopWorkload())
    judged = replace(healthy, checkers=named("INV-01", "INV-02", "INV-07"), skips={"INV-02": "a reason"})
    with HistoryWriter(tmp_path / "history.jsonl") as history:
        for scenario, looked in ((healthy, 0), (judged, 2)):
            plan = runner._Plan.of(scenario, RunOptions(seed=1))
            async with runner._watched(fleet, plan, None, history, runner.silent, started_at=7.0):
                await asyncio.sleep(0.01)
            assert len(asked) == looked
    assert {sight.checkers for sight in asked} == {("INV-07",)}
