"""The judge is judged: every defect of its scenarios and the healthy fleet, many runs each.

Counts detections by the named invariants, false alarms and runs too weak to judge; k of n, never a percentage alone.
Each healthy run has its place behind other defects, and the last behind all of them, so that damage which outlives its
defect shows as a false alarm. Every run is written down as it ends: a matrix that was stopped, however hard, goes on
with the runs that it lacks.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from scenarios import planting
from scenarios.checkers import Outcome
from scenarios.drills import scenario
from scenarios.fleet import Fleet
from scenarios.plan import QUICK
from scenarios.repair.proof import Proof, prove
from scenarios.resumable import Journal
from scenarios.runner import RunOptions, run
from scenarios.verdict import NONE_PLANTED

RUNS_PER_MISS: Final = 20
MISS_ALLOWED_FROM: Final = 6
"""Fewer runs than these may miss nothing: one miss of them would be too many to call the defect caught."""
FOLDER: Final = "matrices"
RESULT: Final = "matrix.json"


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a matrix consists of: defects by scenario, `runs` per row, the seed of each row's first run, and whether the
    damage of each broken run is repaired and the repair judged.
    """

    defects: dict[str, tuple[str, ...]]
    runs: int
    first_seed: int
    repair: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One run to play; `subject` is a defect, or what the healthy fleet is called."""

    scenario: str
    subject: str
    seed: int


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that was played, as one line of the journal."""

    turn: Turn
    outcome: Outcome
    failed: tuple[str, ...] = ()
    directory: str = ""
    proof: Proof | None = None


class Row(msgspec.Struct, kw_only=True):
    """One defect, or the healthy fleet, over its runs. `named` counts the runs that failed by a named invariant."""

    subject: str
    scenario: str = ""
    caught_by: tuple[str, ...] = ()
    runs: int = 0
    passed: int = 0
    failed: int = 0
    invalid: int = 0
    named: int = 0
    by_invariant: dict[str, int] = msgspec.field(default_factory=dict)
    directories: list[str] = msgspec.field(default_factory=list)
    proofs: list[Proof] = msgspec.field(default_factory=list)

    @property
    def repaired(self) -> int:
        """How many of its broken runs were repaired wholly, see `Proof`."""
        return sum(proof.holds for proof in self.proofs)

    @property
    def healthy(self) -> bool:
        return self.subject == NONE_PLANTED

    @property
    def holds(self) -> bool:
        """A defect was caught by name in every run but those that may miss, and each repair that was judged undid its
        damage; no healthy run failed, and some passed.
        """
        if self.healthy:
            return self.failed == 0 and self.passed > 0
        caught = self.runs > 0 and self.runs - self.named <= misses_allowed(self.runs)
        return caught and self.repaired == len(self.proofs)


def misses_allowed(runs: int) -> int:
    """How many runs of a defect may miss it: one in twenty, and one from six runs on (5 of 6, 19 of 20, 38 of 40)."""
    return max(1, runs // RUNS_PER_MISS) if runs >= MISS_ALLOWED_FROM else 0


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Defects × invariants. `holds` is true when every defect is caught and no healthy run fails."""

    scenarios: tuple[str, ...]
    rows: tuple[Row, ...]
    holds: bool

    @property
    def invariants(self) -> tuple[str, ...]:
        """Those that were violated or ought to be, in order of their ids."""
        return tuple(sorted({name for row in self.rows for name in (*row.by_invariant, *row.caught_by)}))


Report = Callable[[Turn, int, int], None]


async def matrix(fleet: Fleet, choice: Choice, directory: Path, report: Report) -> Matrix:
    """Play every turn that the directory's journal lacks in its defect's form, the healthy ones in the quick form, and
    count all of them.

    A defect that an earlier matrix left planted when it was killed is taken out first.
    """
    await planting.clear(fleet)
    journal = Journal(directory, Played)
    done = {one.turn for one in journal.played}
    todo = tuple(turns(choice))
    for number, turn in enumerate(todo, start=1):
        if turn not in done:
            defect = None if turn.subject == NONE_PLANTED else turn.subject
            incident = scenario(turn.scenario)
            form = incident.defect(defect).form if defect else QUICK
            result = await run(fleet, incident, RunOptions(seed=turn.seed, form=form, defect=defect))
            verdict, proof = result.verdict, None
            if choice.repair and defect and incident.repair and verdict.outcome is Outcome.FAIL:
                proof = await prove(fleet, incident, result.directory, verdict)
            journal.append(
                Played(
                    turn=turn,
                    outcome=verdict.outcome,
                    failed=verdict.failed,
                    directory=str(result.directory),
                    proof=proof,
                )
            )
        report(turn, number, len(todo))
    return counted(choice, journal.played)


def turns(choice: Choice) -> Iterator[Turn]:
    """Every run of a matrix in the order in which they are played: all rows once, then all of them again.

    Wherever it is stopped, no row is more than a run behind another.
    """
    for round_, seed in enumerate(range(choice.first_seed, choice.first_seed + choice.runs)):
        for name, defects in choice.defects.items():
            subjects = list(defects)
            subjects.insert((round_ + 1) * len(defects) // choice.runs, NONE_PLANTED)
            for subject in subjects:
                yield Turn(scenario=name, subject=subject, seed=seed)


def counted(choice: Choice, played: Iterable[Played]) -> Matrix:
    """The matrix of what was played so far; a row without a run does not hold."""
    rows: dict[tuple[str, str], Row] = {}
    for name, defects in choice.defects.items():
        for subject in (NONE_PLANTED, *defects):
            caught_by = () if subject == NONE_PLANTED else scenario(name).defect(subject).caught_by
            rows[name, subject] = Row(scenario=name, subject=subject, caught_by=caught_by)
    for one in played:
        row = rows[one.turn.scenario, one.turn.subject]
        count(row, one)
        row.directories.append(one.directory)
        if one.proof is not None:
            row.proofs.append(one.proof)
    return Matrix(
        scenarios=tuple(choice.defects),
        rows=tuple(rows.values()),
        holds=bool(rows) and all(row.holds for row in rows.values()),
    )


def count(row: Row, played: Played) -> None:
    """Add one run to its row."""
    row.runs += 1
    row.passed += played.outcome is Outcome.PASS
    row.failed += played.outcome is Outcome.FAIL
    row.invalid += played.outcome is Outcome.INVALID
    row.named += bool(set(row.caught_by) & set(played.failed))
    for invariant in played.failed:
        row.by_invariant[invariant] = row.by_invariant.get(invariant, 0) + 1
