"""Plays a scenario on a running fleet: prepare, load with faults, heal, quiesce, collect, judge.

Infrastructure that fails makes a run INVALID, never FAIL: only business data fails a fleet.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from scenarios import planting
from scenarios.evidence import Evidence, FaultFired, PurchaseLimit, RunFacts, SupplyStep
from scenarios.faults.injections import Injections
from scenarios.faults.processes import Kill, wait_ready
from scenarios.fleet import AUDITED_SERVICES, Fleet
from scenarios.history import HistoryWriter, read_history
from scenarios.market import Market, open_market
from scenarios.plan import FaultStep, Scenario
from scenarios.quiescence import quiesce
from scenarios.run_directory import conclude, create_run_directory, history_path, save_plan
from scenarios.snapshots import take_snapshots
from scenarios.verdict import Verdict
from scenarios.workloads.flash_sale import FlashSale, SalePlan
from scenarios.workloads.open_model import EngineReport
from scenarios.world.journals import marks, read_journals

SETTLE_DEADLINE_S = 60.0
REST_BEFORE_S = 10.0
"""What a fleet gets to finish what it was doing, a seeding for example; one that never rests is judged all the same."""
KILL_AT_CONFIRMED_SHARE = 0.2
"""The cue of the kills that an operator adds: early, so that most of the sale sees them."""
OPTION_OF = {"buyers": "--buyers", "units": "--units", "over_s": "--seconds"}
"""How `shopctl scenario run` calls the parameters that it can change."""

Report = Callable[[str], None]


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; `directory` holds everything about it."""

    verdict: Verdict
    directory: Path
    seconds: float


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to play: `form` names a parameter set, `overrides` change single parameters of it.

    `kills` are processes that get a SIGKILL beside the scenario's own faults.
    """

    seed: int
    form: str = "full"
    defect: str | None = None
    overrides: dict[str, Any] = {}
    kills: tuple[str, ...] = ()


def silent(_phase: str) -> None:
    """A report to nobody."""


async def run(fleet: Fleet, scenario: Scenario, options: RunOptions, report: Report = silent) -> RunResult:
    """Play the scenario once and judge it.

    Raises `OperatorError` when the fleet cannot be brought to the starting line, is in use already (fleet.busy) or
    has no such process to kill; KeyError for an unknown defect.
    """
    with fleet.exclusive():
        return await _run(fleet, scenario, options, report)


async def collect(fleet: Fleet, facts: RunFacts, directory: Path, *, since: Any) -> Evidence:
    """History, audit views and journals, as they stand now."""
    facts.subscriptions = await subscriptions(fleet)
    snapshots = await take_snapshots(fleet.audit_urls())
    facts.problems.extend(snapshots.problems)
    facts.ended_at = time.time()
    journals = await asyncio.to_thread(read_journals, fleet.layout.world, since)
    history = await asyncio.to_thread(read_history, history_path(directory))
    return Evidence(facts=facts, history=history, audit=snapshots.tables, journals=journals)


async def subscriptions(fleet: Fleet) -> dict[str, list[str]]:
    """Event types by consuming service, as the services themselves declare them."""

    async def of(service: str) -> list[str]:
        contract = await fleet.call(service, "GET", "/internal/contract")
        return list(contract["consumes"])

    calls: list[Awaitable[list[str]]] = [of(service) for service in AUDITED_SERVICES]
    return dict(zip(AUDITED_SERVICES, await asyncio.gather(*calls), strict=True))


async def _run(fleet: Fleet, scenario: Scenario, options: RunOptions, report: Report) -> RunResult:
    started = time.monotonic()
    card = scenario.defect(options.defect) if options.defect else None
    steps = _steps(scenario, options)
    for process in options.kills:
        await fleet.process(process)
    directory = create_run_directory(fleet.layout.runs, scenario.id, seed=options.seed)
    save_plan(directory, {"scenario": scenario, "options": options})
    async with AsyncExitStack() as stack:
        report("preparing the fleet")
        await _scaled(fleet, scenario)
        if card is not None:
            stack.push_async_callback(planting.heal, fleet, card)
            await planting.plant(fleet, card)
        await fleet.world("psp", "PUT", "/control/behaviour", json={"seed": options.seed, **scenario.psp[options.form]})
        stack.push_async_callback(fleet.world, "psp", "POST", "/control/reset")
        await quiesce(fleet, since=time.time(), deadline_s=REST_BEFORE_S)
        parameters = {**scenario.forms[options.form], **options.overrides}
        report("opening the market")
        journal_marks = marks(fleet.layout.world)
        market = await open_market(fleet, seed=options.seed, units=parameters["units"], buyers=parameters["buyers"])
        facts = _facts(scenario, options, market, parameters)
        plan = SalePlan(seed=options.seed, sku=market.sku, **parameters)
        with HistoryWriter(history_path(directory)) as history:
            facts.history_origin_at = history.origin_at
            facts.load_started_at = time.time()
            report(f"the sale is open: {plan.buyers} buyers want {plan.units} units")
            engine, injections = await _play(fleet, plan, market, history, steps)
            facts.load_ended_at = time.time()
        facts.faults = injections.fired
        facts.problems.extend(injections.problems)
        facts.problems.extend(_weaknesses(engine, injections.fired, steps))
        if card is not None:
            facts.problems.extend(await planting.unused(fleet, card))
        facts.parameters["engine"] = msgspec.to_builtins(engine)
        report("waiting for the fleet to come to rest")
        rest = await quiesce(fleet, since=facts.started_at, deadline_s=scenario.quiesce_s[options.form])
        facts.quiesced_at = time.time() if rest.reached else None
        facts.parameters["quiescence"] = msgspec.to_builtins(rest)
        report("collecting the evidence")
        evidence = await collect(fleet, facts, directory, since=journal_marks)
        report("judging")
        verdict = await asyncio.to_thread(conclude, evidence, directory)
    return RunResult(verdict=verdict, directory=directory, seconds=time.monotonic() - started)


def _steps(scenario: Scenario, options: RunOptions) -> tuple[FaultStep, ...]:
    """The scenario's faults and the kills that the operator adds."""
    added = (
        FaultStep(fault=Kill(process), at_confirmed_share=KILL_AT_CONFIRMED_SHARE, for_s=0.0)
        for process in options.kills
    )
    return (*scenario.faults[options.form], *added)


async def _play(
    fleet: Fleet, plan: SalePlan, market: Market, history: HistoryWriter, steps: tuple[FaultStep, ...]
) -> tuple[EngineReport, Injections]:
    """The sale with its faults; every fault is healed when this returns."""
    sale = FlashSale(plan, market.buyers, history, gateway_url=fleet.gateway_url)
    async with Injections(fleet) as injections:
        for step in steps:
            cue = max(1, round(step.at_confirmed_share * plan.units))
            sale.at_confirmed(cue, lambda step=step: injections.start(step.fault, for_s=step.for_s))
        engine = await sale.play()
        await injections.finish()
    return engine, injections


def _facts(scenario: Scenario, options: RunOptions, market: Market, parameters: dict[str, Any]) -> RunFacts:
    return RunFacts(
        scenario=scenario.id,
        seed=options.seed,
        title=scenario.title,
        defect=options.defect,
        parameters={**parameters, "form": options.form},
        started_at=market.opened_at,
        history_origin_at=market.opened_at,
        skus=[market.sku],
        scarce_skus=[market.sku],
        supply=[
            SupplyStep(
                sku=market.sku, quantity=market.units, at=market.opened_at, done_at=market.opened_at, opening=True
            )
        ],
        limits=[PurchaseLimit(market.sku, market.per_customer)],
        buyers=parameters["buyers"],
        required=list(scenario.required),
        skips=dict(scenario.skips),
        replay=_replay_command(scenario, options),
    )


def _replay_command(scenario: Scenario, options: RunOptions) -> str:
    words = ["shopctl scenario run", scenario.id, f"--seed {options.seed}"]
    if options.form == "quick":
        words.append("--quick")
    if options.defect:
        words.append(f"--defect {options.defect}")
    words.extend(f"--kill {process}" for process in options.kills)
    words.extend(f"{OPTION_OF[name]} {value}" for name, value in options.overrides.items() if name in OPTION_OF)
    return " ".join(words)


def _weaknesses(engine: EngineReport, fired: list[FaultFired], steps: tuple[FaultStep, ...]) -> list[str]:
    """Why the run may be too weak to judge, as far as the harness itself is concerned."""
    found: list[str] = []
    if not engine.kept_up:
        found.append(
            f"the load generator was the bottleneck: clients started {engine.lateness_ms_p99:.0f} ms late (p99)"
        )
    confirmed = {(fault.name, fault.target) for fault in fired if fault.confirmed}
    found.extend(
        f"the fault {step.fault.name} {step.fault.target} never took hold"
        for step in steps
        if (step.fault.name, step.fault.target) not in confirmed
    )
    return found


async def _scaled(fleet: Fleet, scenario: Scenario) -> None:
    for service, count in scenario.scale.items():
        names = [process["name"] for process in await asyncio.to_thread(fleet.control.processes)]
        if sum(name.startswith(f"{service}-") for name in names) < count:
            await fleet.supervise("scale", service=service, count=count)
        for number in range(1, count + 1):
            await wait_ready(fleet, f"{service}-{number}", deadline_s=SETTLE_DEADLINE_S)
