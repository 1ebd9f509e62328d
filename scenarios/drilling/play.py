"""A drill from its first minute to its review: plant and load, hint, answer, judge the repair, prove, close.

What is judged is the data; what the responder says is only compared with what is sealed.
"""

import asyncio
import time
from collections.abc import Collection
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
from scenarios.drilling.judging import Judged, judge_repair, proof, replayed, still_in
from scenarios.drilling.record import PHASES, Drill, Moment
from scenarios.drilling.signals import brief
from scenarios.drilling.truth import impact_of, truth_of
from scenarios.drills import SCENARIOS, scenario
from scenarios.evidence import EvidenceUnreadableError, in_scope, load_evidence
from scenarios.fleet import Fleet
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

    Raises `OperatorError` (drill.open, drill.weak), and what a run raises.
    """
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
        told = hints(drawn.card)[: int(level == 1)]
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
        record.save(fleet.layout, drill)
    except BaseException:
        await planting.unhide(fleet, services=services(incident))
        raise
    return drill


def hint(layout: Layout) -> tuple[int, str]:
    """The next hint and its number. Raises `OperatorError` (drill.none, hints.spent)."""
    drill = record.current(layout)
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
    record.save(layout, drill)
    return number, given_hints(drill)[-1]


def given_hints(drill: Drill) -> tuple[str, ...]:
    """Those that the responder has had."""
    return hints(_card(drill))[: drill.told + drill.hints]


async def submit(
    fleet: Fleet, *, service: str = "", cause: str = "", note: str = "", impact: Collection[str] | None = None
) -> Drill:
    """An answer, or a part of it: where, what, which orders. Every wrong one costs points.

    `impact` are numbers or ids of orders. Raises `OperatorError` (drill.none, service.unknown, cause.unknown).
    """
    drill = record.current(fleet.layout)
    incident = scenario(drill.incident)
    _check_known(service, [*fleet.declared, HEALTHY], what="service")
    _check_known(cause, causes(incident), what="cause")
    drill.submissions += 1
    drill.note = note or drill.note
    if service:
        drill.service = service
        right = service in (drill.truth.services or (HEALTHY,))
        _answered(drill, "detect", right=right, what=f"service {service}")
    if cause:
        drill.cause = cause
        _answered(drill, "diagnose", right=cause == drill.truth.cause, what=f"cause {cause}")
        if cause == drill.truth.cause:
            drill.phases.setdefault("detect", time.time())
            if drill.is_healthy:
                await _leave_alone(fleet, drill)
    if impact is not None:
        drill.impact = impact_of(drill.truth.orders, impact)
        _note(drill, f"impact: {drill.impact.named} orders named")
    record.save(fleet.layout, drill)
    return drill


def repair_is_open(drill: Drill) -> bool:
    """Whether there is damage whose repair is worth a look; before the cause is found that would tell too much."""
    return "diagnose" in drill.phases and "repair" not in drill.phases and bool(scenario(drill.incident).repair)


async def look(fleet: Fleet) -> Judged:
    """Whether the damage of the drill's load is undone, and nothing else was done. Notes it when it is.

    Raises `OperatorError` (drill.none, drill.damaged, fleet.away).
    """
    drill = record.current(fleet.layout)
    judged = await judge_repair(fleet, drill)
    _settle(drill, judged, phases=("repair",))
    record.save(fleet.layout, drill)
    return judged


async def prove(fleet: Fleet, *, fixed: bool, report: Report = silent) -> Judged:
    """Play the drill's seed once more: with the submitted cause switched off, or with the fleet as it stands.

    What is planted beside the submitted cause stays in. Raises `OperatorError` (drill.none, drill.unanswered), and
    what a run raises.
    """
    drill = record.current(fleet.layout)
    incident = scenario(drill.incident)
    if fixed and not drill.cause:
        raise OperatorError(
            "drill.unanswered",
            "There is no cause yet whose mending could be proved.",
            mend="Name it first: shopctl drill submit --service SERVICE --cause CAUSE",
            exit_code=2,
        )
    _refuse_when_busy(fleet)
    drill.fixed = drill.fixed or (fixed and drill.cause == drill.truth.cause)
    record.save(fleet.layout, drill)
    report("starting the services anew")
    await planting.hide(fleet, None if drill.fixed else _card(drill), services=services(incident))
    size = incident.scale if fixed else {}
    played = await replayed(fleet, drill, msgspec.structs.replace(incident, scale=size), report)
    judged = proof(played, fixed=fixed, unmended=still_in(drill))
    _settle(drill, judged, phases=("mitigate", "prove") if fixed else ("mitigate",))
    record.save(fleet.layout, drill)
    return judged


async def close(fleet: Fleet) -> Drill:
    """Judge what is left to judge, take out what was planted, and tell the truth. The drill is over.

    Raises `OperatorError` (drill.none, drill.damaged).
    """
    known = record.newest(fleet.layout)
    if known is None or known.closed_at is not None:
        await _clear_away(fleet)
    drill = record.current(fleet.layout)
    incident = scenario(drill.incident)
    if incident.repair and not drill.is_healthy and "repair" not in drill.phases and drill.submissions:
        _settle(drill, await judge_repair(fleet, drill), phases=("repair",))
    if drill.is_healthy and "diagnose" not in drill.phases:
        await _leave_alone(fleet, drill, grant=False)
    await planting.unhide(fleet, services=services(incident))
    drill.closed_at = time.time()
    _note(drill, "the drill is over")
    record.save(fleet.layout, drill)
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
    drill.needless = len(touched) + max(len(drill.harmed), len(judged.refusals))
    if touched:
        _note(drill, f"needlessly started anew: {', '.join(touched)}")
    if grant:
        for phase in PHASES:
            drill.phases.setdefault(phase, time.time())


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
            exit_code=2,
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


def _card(drill: Drill) -> DefectCard | None:
    return None if drill.is_healthy else scenario(drill.incident).defect(drill.truth.cause)


def _note(drill: Drill, what: str) -> None:
    drill.timeline.append(Moment(time.time(), what))
