"""Which load and trigger a shop comes back from: one map over all judged runs that lie beside a run with a trigger.

A cell is a share of the capacity × what happened; a line is the healthy fleet or one with a defect (no budget, no
limit, no bound). Where several runs share a cell, the worst is shown. Judges nothing.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from scenarios.checkers import Outcome
from scenarios.evidence import EvidenceUnreadableError, RunFacts
from scenarios.evidence.storage import UNDECODABLE, load_facts
from scenarios.verdict import NONE_PLANTED, Verdict, load_verdict

RECOVERS: Final = "INV-20"
STAYED_DOWN: Final = "not_recovered"
MILLISECONDS: Final = "milliseconds to recovery"
RUNS_MAX: Final = 500


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One run: `seconds` from the end of its trigger until all was well, None for never."""

    fleet: str
    trigger: str
    load: float
    seconds: float | None
    late: bool = False

    @property
    def said(self) -> str:
        return "stays down" if self.seconds is None else f"{self.seconds:.1f} s"

    @property
    def tone(self) -> str:
        return "fail" if self.seconds is None or self.late else "pass"


class Line(msgspec.Struct, frozen=True):
    """One fleet over all columns; None where nothing was tried."""

    fleet: str
    cells: tuple[Trial | None, ...]


class Map(msgspec.Struct, frozen=True):
    """`columns` name trigger and load."""

    columns: list[str]
    lines: tuple[Line, ...]


def trial_of(facts: RunFacts, verdict: Verdict) -> Trial | None:
    """What a run says; None where recovery was not judged."""
    result = next((result for result in verdict.results if result.id == RECOVERS), None)
    if facts.course is None or result is None or result.outcome is Outcome.INVALID:
        return None
    return Trial(
        fleet=facts.defect or NONE_PLANTED,
        trigger=facts.form,
        load=float(facts.parameters.get("load", 0.0)),
        seconds=None if STAYED_DOWN in result.counts else result.observed.get(MILLISECONDS, 0) / 1_000,
        late=result.outcome is Outcome.FAIL,
    )


def trials_beside(run_dir: Path, scenario: str) -> list[Trial]:
    """Those of all judged runs of the scenario beside this one; what cannot be read is no trial."""
    found: list[Trial] = []
    for path in sorted(run_dir.parent.glob(f"*Z-{scenario}-*"))[-RUNS_MAX:]:
        try:
            trial = trial_of(load_facts(path), load_verdict(path))
        except (EvidenceUnreadableError, OSError, *UNDECODABLE):
            continue
        if trial is not None:
            found.append(trial)
    return found


def drawn(trials: Iterable[Trial]) -> Map | None:
    """The map; None of nothing."""
    worst: dict[tuple[str, str, float], Trial] = {}
    for trial in trials:
        key = (trial.fleet, trial.trigger, trial.load)
        if key not in worst or _badness(trial) > _badness(worst[key]):
            worst[key] = trial
    if not worst:
        return None
    columns = sorted({key[1:] for key in worst})
    fleets = sorted({key[0] for key in worst}, key=lambda fleet: (fleet != NONE_PLANTED, fleet))
    return Map(
        [f"{trigger} at {load:.0%}" for trigger, load in columns],
        tuple(Line(fleet, _cells(worst, fleet, columns)) for fleet in fleets),
    )


def _cells(
    worst: dict[tuple[str, str, float], Trial], fleet: str, columns: Sequence[tuple[str, float]]
) -> tuple[Trial | None, ...]:
    return tuple(worst.get((fleet, *column)) for column in columns)


def _badness(trial: Trial) -> float:
    return float("inf") if trial.seconds is None else trial.seconds
