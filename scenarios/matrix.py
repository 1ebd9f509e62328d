"""The judge is judged: every defect of a scenario and the healthy fleet, many runs each.

Counts detections by the named invariants, false alarms and runs too weak to judge; k of n, never a percentage alone.
"""

from collections.abc import Callable

import msgspec

from scenarios.checkers import Outcome
from scenarios.fleet import Fleet
from scenarios.plan import DefectCard, Scenario
from scenarios.runner import RunOptions, run
from scenarios.verdict import Verdict

DETECTIONS_SHARE_MIN = 0.95
HEALTHY = "healthy"


class Row(msgspec.Struct, kw_only=True):
    """One defect, or the healthy fleet, over its runs. `named` counts the runs that failed by a named invariant."""

    subject: str
    runs: int = 0
    passed: int = 0
    failed: int = 0
    invalid: int = 0
    named: int = 0
    by_invariant: dict[str, int] = msgspec.field(default_factory=dict)
    directories: list[str] = msgspec.field(default_factory=list)


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Defects × invariants. `holds` is true when every defect is caught and no healthy run fails."""

    scenario: str
    rows: tuple[Row, ...]
    holds: bool


Report = Callable[[str, int, int, Verdict], None]


async def matrix(
    fleet: Fleet, scenario: Scenario, *, runs: int, first_seed: int, defects: tuple[str, ...], report: Report
) -> Matrix:
    """Play the quick form `runs` times for the healthy fleet and for each defect."""
    cards: list[DefectCard | None] = [None, *(scenario.defect(name) for name in defects)]
    rows = [await _row(fleet, scenario, card, runs=runs, first_seed=first_seed, report=report) for card in cards]
    return Matrix(scenario=scenario.id, rows=tuple(rows), holds=all(_holds(row) for row in rows))


async def _row(
    fleet: Fleet, scenario: Scenario, card: DefectCard | None, *, runs: int, first_seed: int, report: Report
) -> Row:
    row = Row(subject=card.id if card else HEALTHY)
    for number in range(runs):
        options = RunOptions(seed=first_seed + number, form="quick", defect=card.id if card else None)
        result = await run(fleet, scenario, options)
        _count(row, result.verdict, card)
        row.directories.append(str(result.directory))
        report(row.subject, number + 1, runs, result.verdict)
    return row


def _count(row: Row, verdict: Verdict, card: DefectCard | None) -> None:
    row.runs += 1
    row.passed += verdict.outcome is Outcome.PASS
    row.failed += verdict.outcome is Outcome.FAIL
    row.invalid += verdict.outcome is Outcome.INVALID
    row.named += bool(card and set(card.caught_by) & set(verdict.failed))
    for invariant in verdict.failed:
        row.by_invariant[invariant] = row.by_invariant.get(invariant, 0) + 1


def _holds(row: Row) -> bool:
    if row.subject == HEALTHY:
        return row.failed == 0 and row.passed > 0
    return row.named >= DETECTIONS_SHARE_MIN * row.runs
