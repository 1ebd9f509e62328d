"""Plays a scenario on a running fleet: prepare, load with faults, heal, quiesce, collect, judge.

It knows no incident: what is played is the scenario's workload. Infrastructure that fails makes a run INVALID, never
FAIL: only business data fails a fleet.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from compose.operator_error import OperatorError
from scenarios import parameters, planting
from scenarios.checkers import Result
from scenarios.collection import collect
from scenarios.cues import AtShare, Cues
from scenarios.defects.card import DefectCard
from scenarios.evidence import Evidence, RunFacts, residue_of, save_evidence
from scenarios.faults.injections import Injections
from scenarios.faults.processes import Kill
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.live import LiveWatch, live
from scenarios.live_looker import Looker, Sight
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.preparation import check_processes, scaled
from scenarios.quiescence import Quiescence, quiesce
from scenarios.run_directory import create_run_directory, history_path, save_plan, write_judgement
from scenarios.snapshots import take_snapshots
from scenarios.verdict import Verdict
from scenarios.workloads.workload import LoadReport
from scenarios.world.journals import marks
from shared.fault_overlay import TriggerSpec

REST_BEFORE_S: Final = 10.0
"""What a fleet gets to finish what it was doing, a seeding for example; one that never rests is judged all the same."""
KILL_CUE: Final = AtShare(0.2)
"""The cue of the kills that an operator adds: early, so that most of the load sees them."""
RESIDUE_VIEWS: Final = ("analytics.order_facts", "analytics.revenue_daily")

Report = Callable[[str], None]


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; `directory` holds everything about it."""

    verdict: Verdict
    directory: Path
    seconds: float


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to play: `form` names a form of the scenario, `overrides` change single parameters of it, given as text.

    `trigger` tells when the defect strikes; `kills` are processes that get a SIGKILL beside the scenario's own faults,
    `without` are the numbers of those that are left out, from 1, as `scenario show` numbers them.
    """

    seed: int
    form: str = FULL
    defect: str | None = None
    trigger: TriggerSpec = planting.ALWAYS
    overrides: dict[str, str] = {}
    kills: tuple[str, ...] = ()
    without: tuple[int, ...] = ()


def _kept(form: Form, without: tuple[int, ...]) -> tuple[FaultStep, ...]:
    """The faults of a form but those left out. Raises OperatorError (step.unknown)."""
    unknown = sorted(set(without) - set(range(1, len(form.faults) + 1)))
    if unknown:
        raise OperatorError(
            "step.unknown",
            f"This form has no fault {', '.join(map(str, unknown))}.",
            mend=f"It has {len(form.faults)}; `shopctl scenario show` numbers them.",
        )
    return tuple(step for number, step in enumerate(form.faults, start=1) if number not in without)


def silent(_phase: str) -> None:
    """A report to nobody."""


async def run(fleet: Fleet, scenario: Scenario, options: RunOptions, report: Report = silent) -> RunResult:
    """Play the scenario once and judge it.

    Raises `OperatorError` when the fleet cannot be brought to the starting line, is in use already (fleet.busy), has
    no such process to kill, or when an override is no parameter; KeyError for an unknown form or defect.
    """
    started = time.monotonic()
    played = await collected(fleet, scenario, options, report)
    report("judging")
    verdict = await asyncio.to_thread(write_judgement, played.evidence, played.directory, scenario.checkers)
    return RunResult(verdict=verdict, directory=played.directory, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class Collected:
    """A run that was played and not judged; its directory holds the evidence and no verdict."""

    evidence: Evidence
    directory: Path


async def collected(fleet: Fleet, scenario: Scenario, options: RunOptions, report: Report = silent) -> Collected:
    """Play the scenario once and gather what there is to judge. Raises what `run` raises."""
    with fleet.exclusive():
        played = await _collected(fleet, scenario, options, report)
    await asyncio.to_thread(save_evidence, played.evidence, played.directory)
    return played


@dataclass(frozen=True)
class _Plan:
    """What will be played: the scenario with everything chosen."""

    scenario: Scenario
    options: RunOptions
    form: Form
    parameters: msgspec.Struct
    steps: tuple[FaultStep, ...]
    card: DefectCard | None

    @classmethod
    def of(cls, scenario: Scenario, options: RunOptions) -> "_Plan":
        form = scenario.forms[options.form]
        added = (FaultStep(fault=Kill(process), at=KILL_CUE, for_s=0.0) for process in options.kills)
        return cls(
            scenario,
            options,
            form,
            parameters.changed(form.parameters, options.overrides),
            (*_kept(form, options.without), *added),
            scenario.defect(options.defect) if options.defect else None,
        )

    @property
    def skips(self) -> dict[str, str]:
        """What is not judged, with the reason: in this scenario, and in this form of it."""
        return {**self.scenario.skips, **self.form.skips}

    @property
    def scale(self) -> dict[str, int]:
        """How many instances of which services are needed."""
        return {**self.scenario.scale, **self.form.scale}

    def as_saved(self) -> dict[str, Any]:
        """For `plan.json`."""
        return {
            "scenario": self.scenario.id,
            "options": self.options,
            "parameters": self.parameters,
            "faults": [str(step) for step in self.steps],
            "defect": self.card,
        }


@dataclass(frozen=True)
class _Played:
    """The load as it was, and the faults whose cue never came; times are epoch seconds."""

    load: LoadReport
    injections: Injections
    missed: list[FaultStep]
    history_origin_at: float
    started_at: float
    ended_at: float


async def _collected(fleet: Fleet, scenario: Scenario, options: RunOptions, report: Report) -> Collected:
    plan = _Plan.of(scenario, options)
    await check_processes(fleet, options.kills, scale=plan.scale)
    directory = create_run_directory(fleet.layout.runs, scenario.id, seed=options.seed)
    save_plan(directory, plan.as_saved())
    async with AsyncExitStack() as stack:
        report("preparing the fleet")
        await _ready(fleet, plan, stack)
        journal_marks = marks(fleet.layout.world)
        started_at = time.time()
        residue = residue_of((await take_snapshots(fleet.audit_urls(), only=RESIDUE_VIEWS)).tables)
        report("preparing the load")
        stage = await scenario.workload.prepare(fleet, plan.parameters, seed=options.seed)
        report("the load begins")
        played = await _play(fleet, plan, stage, directory, report)
        facts = _facts(plan, stage, played, started_at=started_at)
        facts.residue = residue
        if planting.is_hidden(fleet.layout):
            facts.defect = planting.HIDDEN
        if plan.card is not None:
            facts.problems.extend(await planting.unused(fleet, plan.card))
        report("waiting for the fleet to come to rest")
        rest = await quiesce(fleet, since=started_at, deadline_s=plan.form.quiesce_s)
        facts.quiesced_at = time.time() if rest.reached else None
        facts.figures["quiescence"] = _figures(rest)
        report("collecting the evidence")
        evidence = await collect(fleet, facts, directory, since=journal_marks)
    return Collected(evidence, directory)


async def _ready(fleet: Fleet, plan: _Plan, stack: AsyncExitStack) -> None:
    """As many instances as the scenario needs, the defect planted, the provider told how to behave, all at rest."""
    await scaled(fleet, plan.scale)
    if plan.card is not None:
        stack.push_async_callback(planting.heal, fleet, plan.card)
        await planting.plant(fleet, plan.card, plan.options.trigger)
    await fleet.world("psp", "PUT", "/control/behaviour", json={"seed": plan.options.seed, **plan.form.psp})
    stack.push_async_callback(fleet.world, "psp", "POST", "/control/reset")
    await quiesce(fleet, since=time.time(), deadline_s=REST_BEFORE_S)


async def _play(fleet: Fleet, plan: _Plan, stage: Any, directory: Path, report: Report) -> _Played:
    """The load with its faults, watched while it lasts; every fault is healed when this returns."""
    cues = Cues()
    waiting = list(plan.steps)

    def start(step: FaultStep) -> None:
        waiting.remove(step)
        injections.start(step.fault, for_s=step.for_s)

    with HistoryWriter(history_path(directory)) as history:
        async with Injections(fleet) as injections:
            for step in plan.steps:
                cues.at(step.at, lambda step=step: start(step))
            started_at = time.time()
            async with _watched(fleet, plan, stage, history, report, started_at=started_at):
                cues.begin()
                load = await plan.scenario.workload.play(stage, history, cues)
                ended_at = time.time()
            cues.end()
            await injections.finish()
    return _Played(load, injections, waiting, history.origin_at, started_at, ended_at)


@asynccontextmanager
async def _watched(
    fleet: Fleet, plan: _Plan, stage: Any, history: HistoryWriter, report: Report, *, started_at: float
) -> AsyncGenerator[None]:
    """The load is watched; every look asks the workload anew, for there may have been a restock."""
    scenario = plan.scenario
    checkers = live(checker for checker in scenario.checkers if checker.id not in plan.skips)
    sight = Sight(
        urls=fleet.audit_urls(), history=str(history.path), checkers=tuple(checker.id for checker in checkers)
    )
    looker = Looker(sight)

    async def look() -> list[Result] | None:
        history.flush()
        facts = RunFacts(
            **msgspec.structs.asdict(scenario.workload.facts(stage, LoadReport())),
            scenario=scenario.id,
            seed=plan.options.seed,
            started_at=started_at,
            load_started_at=started_at,
            history_origin_at=history.origin_at,
        )
        return await looker.look(facts)

    if not checkers:
        yield
        return
    try:
        async with LiveWatch(look, report, since_at=started_at):
            yield
    finally:
        await looker.close()


def _facts(plan: _Plan, stage: Any, played: _Played, *, started_at: float) -> RunFacts:
    scenario, options = plan.scenario, plan.options
    contributed = scenario.workload.facts(stage, played.load)
    required, watched = scenario.rare_states(plan.form)
    return RunFacts(
        **msgspec.structs.asdict(contributed),
        scenario=scenario.id,
        seed=options.seed,
        title=scenario.title,
        defect=options.defect,
        form=options.form,
        parameters=msgspec.to_builtins(plan.parameters),
        figures={"load": dict(played.load.figures), **played.load.measured},
        started_at=started_at,
        load_started_at=played.started_at,
        load_ended_at=played.ended_at,
        history_origin_at=played.history_origin_at,
        faults=played.injections.fired,
        psp_idempotency=plan.form.psp.get("idempotency", True),
        required=required,
        watched=watched,
        skips=plan.skips,
        replay=replay_command(scenario, options),
        problems=_weaknesses(played),
    )


def replay_command(scenario: Scenario, options: RunOptions) -> str:
    """The command line that plays the same run again."""
    if scenario.replay:
        return scenario.replay
    words = ["shopctl scenario run", scenario.id, f"--seed {options.seed}"]
    if options.form != FULL:
        words.append("--quick" if options.form == QUICK else f"--form {options.form}")
    if options.defect:
        words.append(f"--defect {options.defect}")
    if options.trigger != planting.ALWAYS:
        words.append(f"--trigger {planting.text_of(options.trigger)}")
    words.extend(f"--kill {process}" for process in options.kills)
    words.extend(f"--without {number}" for number in options.without)
    words.extend(f"--set {name}={value}" for name, value in options.overrides.items())
    return " ".join(words)


def _weaknesses(played: _Played) -> list[str]:
    """Why the run may be too weak to judge, as far as the harness itself is concerned."""
    return [
        *played.load.problems,
        *played.injections.problems,
        *(f"the cue of a fault never came: {step}" for step in played.missed),
    ]


def _figures(rest: Quiescence) -> dict[str, float]:
    return {"after_s": round(rest.after_s, 2), **rest.waits_for}
