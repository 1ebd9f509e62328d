"""How the kills of a soak are spread, counted and told, and that a stopped one goes on."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from scenarios import planting
from scenarios import soak as soaks
from scenarios.checkers import Outcome
from scenarios.cues import Cues, OnSignal
from scenarios.evidence import FaultFired, save_evidence
from scenarios.plan import FULL, Scenario
from scenarios.recovery import Recovery
from scenarios.report import soak_page
from scenarios.runner import RunOptions, RunResult, replay_command
from scenarios.soak import FORK_PARENT, LOST, Choice, Leg, Soak, counted, kill_order, leg_of, scenario_of
from scenarios.workloads import trade
from scenarios.workloads.trade import JOURNEYS, Pulse, TradeParameters
from tests.support.builders import FlashSale
from tests.support.builders.verdicts import PASSED, verdict

CHOICE = Choice(kills=7, per_leg=3, seed=5)
NAMES = ("gateway-1", "kafka", "orders-1", "orders-2", FORK_PARENT.target)


def recovery(process: str = "orders-1", took_s: float | None = 1.0) -> Recovery:
    return Recovery(process=process, at=0.0, ready_s=took_s, journeys_s={}, struck=1)


def leg(*recoveries: Recovery, number: int = 1, outcome: Outcome = Outcome.PASS, lost: int = 0) -> Leg:
    return Leg(
        number=number, kills=len(recoveries), outcome=outcome, acknowledged=100, lost=lost, recoveries=recoveries
    )


def of(took_s: list[float | None], **more: Any) -> Soak:
    found = leg(*(recovery(took_s=one) for one in took_s), **more)
    return counted(Choice(kills=len(took_s), per_leg=len(took_s), seed=1), [found])


def test_no_leg_is_longer_than_it_may_be_and_no_kill_is_lost() -> None:
    for kills, per_leg in itertools.product(range(1, 60), range(1, 25)):
        legs = Choice(kills=kills, per_leg=per_leg, seed=1).legs
        assert sum(legs) == kills
        assert 0 < min(legs) <= max(legs) <= min(per_leg, min(legs) + 1)


@pytest.mark.parametrize("seed", range(20))
def test_every_process_is_killed_as_often_as_any_other_and_none_twice_in_a_row(seed: int) -> None:
    struck = list(itertools.islice(kill_order(NAMES, random.Random(seed)), 10 * len(NAMES)))
    assert Counter(struck) == dict.fromkeys(NAMES, 10)
    assert all(one != other for one, other in itertools.pairwise(struck))


def test_the_same_seed_kills_in_the_same_order() -> None:
    first, again, other = (list(itertools.islice(kill_order(NAMES, random.Random(seed)), 20)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_leg_waits_for_a_pause_before_each_kill_and_for_one_after_the_last() -> None:
    planned = scenario_of(["orders-1", FORK_PARENT.target], CHOICE)
    form = planned.forms[FULL]
    assert [(step.fault.target, step.at) for step in form.faults] == [
        ("orders-1", OnSignal("pause 1")), (FORK_PARENT.target, OnSignal("pause 2")),
    ]  # fmt: skip
    assert form.parameters.pauses == 3
    assert replay_command(planned, RunOptions(seed=9)) == "shopctl scenario soak --kills 7 --per-leg 3 --seed 5"


@pytest.mark.parametrize(
    ("took_s", "outcome"),
    [
        ([1.0] * 19 + [60.0], Outcome.PASS),
        ([1.0] * 18 + [5.1] * 2, Outcome.FAIL),
        ([5.0] * 20, Outcome.PASS),
        ([1.0] * 19 + [None], Outcome.PASS),
        ([1.0] * 18 + [None] * 2, Outcome.FAIL),
        ([None], Outcome.FAIL),
    ],
)
def test_nineteen_of_twenty_kills_must_be_recovered_from_in_time(took_s: list[float | None], outcome: Outcome) -> None:
    assert of(took_s).outcome is outcome


def test_one_violated_leg_is_a_failure_and_one_too_weak_is_no_pass() -> None:
    assert of([1.0], outcome=Outcome.FAIL, lost=2).exit_code == 1
    assert of([1.0], outcome=Outcome.INVALID).exit_code == 3


def test_a_kill_that_is_missing_makes_it_invalid() -> None:
    found = counted(Choice(kills=2, per_leg=2, seed=1), [leg(recovery())])
    assert (found.outcome, found.kills) == (Outcome.INVALID, 1)
    assert counted(CHOICE, []).outcome is Outcome.INVALID


def test_what_so_many_kills_show_is_said_with_its_bound() -> None:
    assert of([1.0] * 198 + [6.0] * 2).said == (
        "0 acknowledged orders lost in 200 kills (≤ 1.5 % at 95 %)",
        "recovery p50 1.0 s, p95 1.0 s, at most 6.0 s",
        "longer than 5 s in 2 of 200 kills (0.27–3.6 % at 95 %)",
    )
    assert of([1.0, None], lost=3).said[:2] == (
        "3 of 100 acknowledged orders lost, in 1 of 1 legs",
        "recovery p50 1.0 s, p95 never, at most never",
    )


def test_times_are_told_by_component() -> None:
    found = counted(
        Choice(kills=3, per_leg=3, seed=1),
        [leg(recovery("orders-1", 1.0), recovery("orders-2", 3.0), recovery("kafka", 2.0))],
    )
    assert [(it.name, it.kills, it.p50_s, it.max_s) for it in found.components] == [
        ("kafka", 1, 2.0, 2.0), ("orders", 2, 1.0, 3.0),
    ]  # fmt: skip
    assert (found.all.kills, found.all.max_s) == (3, 3.0)


def test_a_leg_is_read_from_its_directory(tmp_path: Path) -> None:
    evidence = FlashSale().evidence()
    at = evidence.facts.started_at
    evidence.facts.faults.append(FaultFired(name="kill", target="orders-1", at=at, confirmed=True))
    save_evidence(evidence, tmp_path)
    judged = verdict(Outcome.FAIL, "INV-09")
    judged.results[1].counts[LOST] = 4
    found = leg_of(2, 1, judged, tmp_path)
    assert (found.number, found.outcome, found.failed, found.lost) == (2, Outcome.FAIL, ("INV-09",), 4)
    assert found.acknowledged == len(evidence.confirmed)
    assert [it.process for it in found.recoveries] == ["orders-1"]


class Runs:
    """Stands for the runner: every leg passes, every kill takes a second; stopped when it was called so often."""

    def __init__(self, directory: Path, *, stopped_after: int = 1_000) -> None:
        self.killed: list[tuple[str, ...]] = []
        self.seeds: list[int] = []
        self._directory = directory
        self._stopped_after = stopped_after

    async def play(self, scenario: Scenario, options: RunOptions) -> RunResult:
        if len(self.killed) == self._stopped_after:
            raise KeyboardInterrupt
        targets = tuple(step.fault.target for step in scenario.forms[FULL].faults)
        self.killed.append(targets)
        self.seeds.append(options.seed)
        evidence = FlashSale().evidence()
        evidence.facts.faults = [
            FaultFired(name="kill", target=name, at=evidence.facts.started_at, confirmed=True) for name in targets
        ]
        directory = self._directory / f"run-{options.seed}"
        directory.mkdir(exist_ok=True)
        save_evidence(evidence, directory)
        return RunResult(verdict=PASSED, directory=directory, seconds=1.0)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Runs], Soak]:
    async def nothing_left(_: Any) -> None:
        """No defect was left planted."""

    async def processes() -> list[dict[str, str]]:
        return [{"name": name} for name in NAMES[:4]]

    monkeypatch.setattr(planting, "clear", nothing_left)
    fleet: Any = SimpleNamespace(processes=processes)
    directory = tmp_path / "soak"
    directory.mkdir()
    return lambda runs: asyncio.run(soaks.soak(fleet, CHOICE, directory, runs.play, lambda *_: None))


def test_a_soak_kills_so_often_and_all_processes(whole: Callable[[Runs], Soak], tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    found = whole(runs)
    assert found.kills == sum(len(killed) for killed in runs.killed) == CHOICE.kills
    assert {name for killed in runs.killed for name in killed} == {*NAMES, "inventory-1", "inventory-2"}
    assert runs.seeds == [5, 6, 7]


@pytest.mark.parametrize("stopped_after", [0, 1, 2])
def test_a_stopped_soak_goes_on_with_the_leg_it_lacks(
    whole: Callable[[Runs], Soak], tmp_path: Path, stopped_after: int
) -> None:
    straight, stopped, again = Runs(tmp_path), Runs(tmp_path, stopped_after=stopped_after), Runs(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        whole(stopped)
    found = whole(again)
    assert found.kills == CHOICE.kills
    (tmp_path / "soak" / "played.jsonl").unlink()
    whole(straight)
    assert stopped.killed + again.killed == straight.killed
    assert stopped.seeds + again.seeds == straight.seeds


def test_the_page_has_a_dot_for_every_kill_and_a_row_for_every_leg() -> None:
    found = counted(CHOICE, [leg(recovery(), recovery(took_s=9.0), recovery("kafka", None), outcome=Outcome.INVALID)])
    html = soak_page.page(found)
    assert html.count("<i") == 3
    assert html.count('class="slow"') == 2
    assert "kafka: never" in html
    assert "INVALID" in html
    assert "<script" not in html
    assert "http" not in html
    assert len({line.count("|") for line in soak_page.markdown(found).splitlines() if line.startswith("|")}) == 1


def test_a_result_can_be_read_by_a_program() -> None:
    told = json.loads(msgspec.json.encode(of([1.0, None])))
    assert (told["outcome"], told["all"]["max_s"], told["kills"]) == ("FAIL", None, 2)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade, "PULSE_S", 0.0)
    monkeypatch.setattr(trade, "BITES_WITHIN_S", 0.0)


def shortened(**changes: float) -> TradeParameters:
    """Pauses that no operator could ask for, so that nobody waits."""
    return TradeParameters(**{"pauses": 2, "pause_s": 0.0, **changes})  # type: ignore[arg-type]


async def test_a_pause_comes_when_every_journey_that_began_since_the_last_has_worked(quick: None) -> None:
    cues, came = Cues(), []
    for number in (1, 2):
        cues.at(OnSignal(trade.pause(number)), lambda number=number: came.append(number))
    pulse = Pulse(shortened(), cues)
    beating = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0)
    for journey in JOURNEYS[1:]:
        pulse.worked(journey, began=time.monotonic())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (came, pulse.missing()) == ([], [JOURNEYS[0]])
    pulse.worked(JOURNEYS[0], began=0.0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert came == []
    pulse.worked(JOURNEYS[0], began=time.monotonic())
    while not came:
        await asyncio.sleep(0)
    assert pulse.missing() == list(JOURNEYS)
    for journey in JOURNEYS:
        pulse.worked(journey, began=time.monotonic())
    await beating
    assert (came, pulse.over, pulse.problems) == ([1, 2], True, ())


async def test_a_pause_that_never_comes_ends_the_day_and_says_what_did_not_work(quick: None) -> None:
    pulse = Pulse(shortened(pause_s_max=0.0), Cues())
    await pulse.beat()
    assert pulse.over
    assert pulse.problems == (f"pause 1 never came: {', '.join(JOURNEYS)} did not work",)
