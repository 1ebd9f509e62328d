"""What is judged in a drill: whether the damage is undone, and what a replay of its load proves."""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec

from scenarios import runner
from scenarios.checkers import Outcome
from scenarios.collection import collect
from scenarios.drilling import guarding, refusals
from scenarios.drilling.record import Drill
from scenarios.drilling.refusals import Refusal
from scenarios.drills import scenario
from scenarios.evidence import load_evidence
from scenarios.fleet import Fleet
from scenarios.plan import Scenario
from scenarios.quiescence import quiesce
from scenarios.run_directory import write_judgement
from scenarios.runner import Report, RunOptions
from scenarios.verdict import EXIT_CODES, judge
from scenarios.world.journals import Marks

PASSES_UNMENDED: Final = 2
"""How many replays in a row must pass with the defect still in: one may be luck."""
SILENT_MAX: Final = 2
"""How many replays may say nothing."""
REST_S: Final = 60.0
LUCK: Final = Refusal("", "what was planted is still in and did not show this time: the submitted cause was not it")


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of looking at a repair or of a replay: passed, or why not. `directory` is the run's."""

    phase: str
    outcome: Outcome
    refusals: tuple[Refusal, ...] = ()
    directory: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether the run said nothing, and no invariant why."""
        return self.outcome is Outcome.INVALID and not any(refusal.invariant for refusal in self.refusals)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


async def judge_repair(fleet: Fleet, drill: Drill) -> Judged:
    """By the evidence kept of the load, the same evidence as it stands now, and the invariants.

    Orders harmed since are noted in the drill. Raises `FleetAwayError`, EvidenceUnreadableError.
    """
    incident = scenario(drill.incident)
    run: Path = fleet.layout.runs / drill.run
    found = refusals.of_files(drill.guard.files, await asyncio.to_thread(guarding.digests, run))
    found += refusals.of_views(drill.guard.views, await guarding.views(fleet))
    if found:
        return Judged(phase="repair", outcome=Outcome.FAIL, refusals=tuple(found))
    before = await asyncio.to_thread(load_evidence, run)
    facts = msgspec.structs.replace(before.facts, repaired=True, problems=[], others_from=drill.alerted_at)
    rest = await quiesce(fleet, since=facts.started_at, deadline_s=REST_S)
    facts.quiesced_at = time.time() if rest.reached else None
    now = await collect(fleet, facts, run, since=Marks())
    verdict = await asyncio.to_thread(judge, now, incident.checkers)
    harmed = refusals.harmed(before, now, concerned=drill.truth.concerned)
    drill.harmed = {order_id: str(refusal) for order_id, refusal in harmed.items()}
    found = refusals.of_verdict(verdict) + refusals.of_lost_evidence(before, now) + refusals.of_harm(harmed)
    outcome = Outcome.FAIL if found and verdict.outcome is Outcome.PASS else verdict.outcome
    return Judged(phase="repair", outcome=outcome, refusals=tuple(found))


async def replayed(fleet: Fleet, drill: Drill, incident: Scenario, report: Report) -> Judged:
    """The drill's load once more, and again while it passes with what was planted still in.

    A load that says nothing, and of which no invariant says why, is played again: the machine was busy.
    """
    passes = silent = 0
    while True:
        found = await _replayed_once(fleet, drill, incident, report)
        if found.outcome is Outcome.PASS:
            passes += 1
            if passes == (PASSES_UNMENDED if drill.is_broken else 1):
                return found
        elif silent == SILENT_MAX or not found.is_silent:
            return found
        else:
            silent += 1
            report("that load said nothing: once more")


async def _replayed_once(fleet: Fleet, drill: Drill, incident: Scenario, report: Report) -> Judged:
    options = RunOptions(seed=drill.load_seed, form=drill.form)
    played = await runner.collected(fleet, incident, options, report)
    report("judging")
    verdict = await asyncio.to_thread(write_judgement, played.evidence, played.directory, incident.checkers)
    return Judged(
        phase="",
        outcome=verdict.outcome,
        refusals=tuple(refusals.of_verdict(verdict)),
        directory=str(played.directory),
    )


def proof(played: Judged, *, fixed: bool, unmended: bool) -> Judged:
    """What a replay proves. One that passes with the wrong cause switched off was lucky and proves nothing. Pure."""
    judged = msgspec.structs.replace(played, phase="prove" if fixed else "mitigate")
    if not (fixed and unmended and judged.outcome is Outcome.PASS):
        return judged
    return msgspec.structs.replace(judged, outcome=Outcome.INVALID, refusals=(LUCK,))
