"""A drill from its first minute to its review: plant and load, hint, answer, judge the repair, prove, close.

What is judged is the data; what the responder says is only compared with what is sealed.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios import planting, runner
from scenarios.checkers import Outcome
from scenarios.defects.card import DefectCard
from scenarios.drilling import guarding, record
from scenarios.drilling.draw import HEALTHY, Draw, causes, draw, services
from scenarios.drilling.hints import HINTS_MAX, hints
from scenarios.drilling.judging import Judged, judge_repair, proof, replayed
from scenarios.drilling.record import PHASES, Drill, Moment
from scenarios.drilling.signals import brief
from scenarios.drilling.truth import impact_of, truth_of
from scenarios.drills import SCENARIOS, scenario
from scenarios.evidence import EvidenceUnreadableError, in_scope, load_evidence
from scenarios.fleet import Fleet
from scenarios.money_text import money_text
from scenarios.plan import FULL, Scenario
from scenarios.run_directory import write_judgement
from scenarios.runner import Report, RunOptions, silent
from scenarios.verdict import Verdict, judge

LOADS_MAX: Final = 3
"""How often the load of a start may be too weak to show anything."""
NEXT_LOAD: Final = 100_003
"""Added to the seed of the load for another try; the draw stays."""


async def start(
    fleet: Fleet, incident: Scenario, *, level: int, seed: int, form: str = FULL, report: Report = silent
) -> Drill:
    """Plant what the seed draws, play the load, keep the truth sealed, start the clock.

    Raises `OperatorError` (drill.open, drill.busy, drill.weak), and what a run raises.
    """
    with record.alone(fleet.layout):
        return await _start(fleet, incident, level=level, seed=seed, form=form, report=report)


async def _start(fleet: Fleet, incident: Scenario, *, level: int, seed: int, form: str, report: Report) -> Drill:
    _refuse_a_second(fleet.layout)
    _refuse_when_busy(fleet)
    drawn = draw(incident, level=level, seed=seed)
    report("preparing the drill")
    await planting.hide(fleet, drawn.card, services=services(incident))
    try:
        played, verdict = await _loaded(fleet, incident, drawn, seed=seed, form=form, report=report)
        report("writing the brief")
        evidence = in_scope(played.evidence)
        now = time.time()
        directory = record.create_folder(fleet.layout, incident.id, now=now)
        told = hints(drawn.card, incident.checkers)[: int(level == 1)]
        began_at = evidence.facts.load_started_at or evidence.facts.started_at
        drill = Drill(
            id=directory.name,
            incident=incident.id,
            level=level,
            seed=seed,
            form=form,
            run=played.directory.name,
            load_seed=evidence.facts.seed,
            truth=truth_of(incident, drawn, evidence, verdict),
            guard=await guarding.guard(fleet, played.directory),
            brief=brief(evidence, verdict, drawn, known=" ".join(told)),
            told=len(told),
            alerted_at=time.time(),
            timeline=[Moment(began_at, "the load begins")],
        )
        if verdict.first_violation is not None:
            drill.timeline.append(Moment(verdict.first_violation.at, "the first violation"))
        drill.timeline.append(Moment(drill.alerted_at, "the alert: the clock starts"))
        for before in record.played_before(fleet.layout, incident.id, level=level, seed=seed):
            drill.timeline.append(Moment(drill.alerted_at, f"the same was played here before: {before}"))
        record.save_next(fleet.layout, drill, fleet.control)
    except BaseException:
        await planting.unhide(fleet, services=services(incident))
        raise
    return drill


def hint(layout: Layout, memory: record.Memory) -> tuple[int, str]:
    """The next hint and its number. Raises `OperatorError` (drill.none, hints.spent)."""
    with record.under_way(layout, memory) as drill:
        if drill.told + drill.hints >= HINTS_MAX:
            raise OperatorError(
                "hints.spent",
                f"All {HINTS_MAX} hints are given.",
                mend="Read them again: shopctl drill status.",
                exit_code=2,
            )
        drill.hints += 1
        number = drill.told + drill.hints
        _note(drill, f"hint {number}")
    return number, given_hints(drill)[-1]


def given_hints(drill: Drill) -> tuple[str, ...]:
    """Those that the responder has had."""
    return hints(_card(drill), scenario(drill.incident).checkers)[: drill.told + drill.hints]


async def submit(
    fleet: Fleet,
    *,
    service: str = "",
    cause: str = "",
    note: str = "",
    impact: Collection[str] | None = None,
    money_minor: dict[str, int] | None = None,
) -> Drill:
    """An answer, or a part of it: where, what, which orders, how much money. Every wrong one of the first two costs
    points.

    `impact` are numbers or ids of orders, `money_minor` is by currency; where no order is hit no money is.
    Raises `OperatorError` (drill.none, service.unknown, cause.unknown).
    """
    with record.under_way(fleet.layout, fleet.control) as drill:
        _check_known(service, [*fleet.declared, HEALTHY], what="service")
        _check_known(cause, causes(scenario(drill.incident)), what="cause")
        drill.submissions += 1
        drill.note = note or drill.note
        if service:
            drill.service = service
            right = service in (drill.truth.services or (HEALTHY,))
            _answered(drill, "detect", right=right, what=f"service {service}")
        if cause:
            await _named(fleet, drill, cause)
        if impact is not None:
            drill.impact = impact_of(drill.truth.orders, impact)
            _note(drill, f"impact: {drill.impact.named} orders named")
            if not impact:
                drill.money_minor = {}
        if money_minor is not None:
            drill.money_minor = money_minor
            said = " + ".join(money_text(amount, currency) for currency, amount in money_minor.items())
            _note(drill, f"money: {said or 'none'}")
    return drill


async def _named(fleet: Fleet, drill: Drill, cause: str) -> None:
    """The answer what it is; on a fleet that has nothing wrong it ends the incident."""
    drill.cause = cause
    right = cause == drill.truth.cause
    _answered(drill, "diagnose", right=right, what=f"cause {cause}")
    if not right:
        drill.wrong_causes += "diagnose" not in drill.phases
        drill.all_clear = drill.all_clear or cause == HEALTHY
        return
    drill.phases.setdefault("detect", time.time())
    if drill.is_healthy:
        await _leave_alone(fleet, drill)


def repair_is_open(drill: Drill) -> bool:
    """Whether there is damage whose repair is worth a look; before the cause is found that would tell too much."""
    return "diagnose" in drill.phases and "repair" not in drill.phases and bool(scenario(drill.incident).repair)


async def look(fleet: Fleet) -> Judged:
    """Whether the damage of the drill's load is undone, and nothing else was done. Notes it when it is.

    Raises `OperatorError` (drill.none, drill.damaged, fleet.away).
    """
    with record.under_way(fleet.layout, fleet.control) as drill:
        judged = await judge_repair(fleet, drill)
        _settle(drill, judged, phases=("repair",))
    return judged


async def roll_back(fleet: Fleet, service: str, *, report: Report = silent) -> Drill:
    """Run the release before in a service: whatever is planted there is out, whoever knows what it was or not.

    Raises `OperatorError` (drill.none, service.unknown, fleet.busy).
    """
    with record.under_way(fleet.layout, fleet.control) as drill:
        incident = scenario(drill.incident)
        _check_known(service, services(incident), what="service")
        _refuse_when_busy(fleet)
        drill.rolled_back = tuple(sorted({*drill.rolled_back, service}))
        await _plant(fleet, drill, report)
        _note(drill, f"{service} rolled back")
    return drill


async def prove(fleet: Fleet, *, fixed: bool, report: Report = silent) -> Judged:
    """Play the drill's seed once more: with the submitted cause switched off, or with the fleet as it stands.

    What is planted beside the submitted cause stays in, and what was rolled back is deployed again. Raises
    `OperatorError` (drill.none, drill.unanswered), and what a run raises.
    """
    with record.under_way(fleet.layout, fleet.control) as drill:
        incident = scenario(drill.incident)
        if fixed and not drill.cause:
            raise OperatorError(
                "drill.unanswered",
                "There is no cause yet whose mending could be proved.",
                mend="Name it first: shopctl drill submit --service SERVICE --cause CAUSE",
                exit_code=2,
            )
        _refuse_when_busy(fleet)
        if fixed:
            drill.rolled_back = ()
            drill.fixed = drill.fixed or drill.cause == drill.truth.cause
        await _plant(fleet, drill, report)
        record.save_next(fleet.layout, drill, fleet.control)
        size = incident.scale if fixed else {}
        async with _own_restarts(fleet, drill):
            played = await replayed(fleet, drill, msgspec.structs.replace(incident, scale=size), report)
        await planting.confirm_hidden(fleet, _planted(drill), services=services(incident), healthy_in=drill.rolled_back)
        judged = proof(played, fixed=fixed, unmended=drill.is_broken)
        _settle(drill, judged, phases=("mitigate", "prove") if fixed else ("mitigate",))
    return judged


async def close(fleet: Fleet) -> Drill:
    """Judge what is left to judge, take out what was planted, and tell the truth. The drill is over.

    Raises `OperatorError` (drill.none, drill.damaged).
    """
    known = record.newest(fleet.layout)
    if known is None or known.closed_at is not None:
        await _clear_away(fleet)
    with record.under_way(fleet.layout, fleet.control) as drill:
        incident = scenario(drill.incident)
        if incident.repair and not drill.is_healthy and "repair" not in drill.phases and drill.submissions:
            _settle(drill, await judge_repair(fleet, drill), phases=("repair",))
        if drill.is_healthy and "diagnose" not in drill.phases:
            await _leave_alone(fleet, drill, grant=False)
        await planting.unhide(fleet, services=services(incident))
        drill.closed_at = time.time()
        _note(drill, "the drill is over")
    try:
        evidence = await asyncio.to_thread(load_evidence, fleet.layout.runs / drill.run)
    except EvidenceUnreadableError:
        return drill
    await asyncio.to_thread(write_judgement, evidence, fleet.layout.runs / drill.run, incident.checkers)
    return drill


async def _loaded(
    fleet: Fleet, incident: Scenario, drawn: Draw, *, seed: int, form: str, report: Report
) -> tuple[runner.Collected, Verdict]:
    """A load that shows what is planted; of a fleet without a defect, one that shows nothing."""
    wanted = Outcome.FAIL if drawn.card else Outcome.PASS
    for attempt in range(LOADS_MAX):
        options = RunOptions(seed=seed + attempt * NEXT_LOAD, form=form)
        report("playing the load")
        played = await runner.collected(fleet, incident, options)  # its own words would tell what goes wrong
        verdict = await asyncio.to_thread(judge, played.evidence, incident.checkers)
        if verdict.outcome is wanted:
            return played, verdict
        report("that load was too quiet: once more")
    raise OperatorError(
        "drill.weak",
        f"{LOADS_MAX} loads showed nothing that a drill could be about.",
        mend="Begin again on a quieter machine, or with another --seed.",
        exit_code=3,
    )


async def _leave_alone(fleet: Fleet, drill: Drill, *, grant: bool = True) -> None:
    """Nothing was wrong: what was restarted, scaled or taken back meanwhile was needless; the rest is reached."""
    touched = guarding.touched(drill.guard.processes, await guarding.processes(fleet))
    judged = await judge_repair(fleet, drill)
    if judged.outcome is not Outcome.PASS:
        _settle(drill, judged, phases=())
    drill.needless = len(touched) + len(drill.rolled_back) + max(len(drill.harmed), len(judged.refusals))
    if touched:
        _note(drill, f"needlessly started anew: {', '.join(touched)}")
    if grant:
        for phase in PHASES:
            drill.phases.setdefault(phase, time.time())


async def _plant(fleet: Fleet, drill: Drill, report: Report) -> None:
    """What is to be planted now, wherever it is not rolled back; every service that could have it starts anew."""
    report("starting the services anew")
    every = services(scenario(drill.incident))
    async with _own_restarts(fleet, drill):
        await planting.hide(fleet, _planted(drill), services=every, healthy_in=drill.rolled_back)


@asynccontextmanager
async def _own_restarts(fleet: Fleet, drill: Drill) -> AsyncGenerator[None]:
    """Processes that start anew in the block do so because the drill does it, not because the responder did."""
    began = await guarding.processes(fleet)
    yield
    now = await guarding.processes(fleet)
    drill.guard = msgspec.structs.replace(drill.guard, processes=guarding.carried_on(drill.guard.processes, began, now))


def _refuse_a_second(layout: Layout) -> None:
    known = record.newest(layout)
    if known is not None and known.closed_at is None:
        raise OperatorError(
            "drill.open", f"The drill {known.id} is under way.", mend="End it first: shopctl drill report", exit_code=2
        )


def _refuse_when_busy(fleet: Fleet) -> None:
    """Before anything is started anew. Raises `OperatorError` (fleet.busy)."""
    with fleet.exclusive():
        pass


async def _clear_away(fleet: Fleet) -> None:
    """What a start planted that was killed before it had a record, or whose record is gone."""
    if planting.is_hidden(fleet.layout):
        every = {service for incident in SCENARIOS for service in services(incident)}
        await planting.unhide(fleet, services=sorted(every))


def _check_known(answer: str, known: Collection[str], *, what: str) -> None:
    if answer and answer not in known:
        raise OperatorError(
            f"{what}.unknown",
            f"There is no {what} {answer!r} to answer with.",
            mend=f"Choose one of: {', '.join(sorted(known))}.",
        )


def _answered(drill: Drill, phase: str, *, right: bool, what: str) -> None:
    _note(drill, f"answer: {what}, {'right' if right else 'wrong'}")
    if right:
        drill.phases.setdefault(phase, time.time())
    else:
        drill.wrong += 1


def _settle(drill: Drill, judged: Judged, *, phases: Collection[str]) -> None:
    passed = judged.outcome is Outcome.PASS
    for phase in phases:
        if passed:
            drill.phases.setdefault(phase, time.time())
            drill.refused.pop(phase, None)
    if not passed:
        drill.refused[judged.phase] = tuple(map(str, judged.refusals))
    said = "passed" if passed else f"refused: {'; '.join(map(str, judged.refusals))}"
    _note(drill, f"{judged.phase} {said}")


def _planted(drill: Drill) -> DefectCard | None:
    return None if drill.fixed else _card(drill)


def _card(drill: Drill) -> DefectCard | None:
    return None if drill.is_healthy else scenario(drill.incident).defect(drill.truth.cause)


def _note(drill: Drill, what: str) -> None:
    drill.timeline.append(Moment(time.time(), what))
