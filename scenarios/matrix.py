"""The judge is judged: every defect of a scenario and the healthy fleet, many runs each.

Counts detections by the named invariants, false alarms and runs too weak to judge; k of n, never a percentage alone.
The healthy runs are played between the defects, so that damage which outlives its defect shows as a false alarm.
"""

from collections.abc import Callable

import msgspec

from scenarios.checkers import Outcome
from scenarios.defects.card import DefectCard
from scenarios.fleet import Fleet
from scenarios.plan import QUICK, Scenario
from scenarios.runner import RunOptions, run
from scenarios.verdict import NONE_PLANTED, Verdict

DETECTIONS_SHARE_MIN = 0.95


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
    """Play the quick form `runs` times per defect and on the healthy fleet, whose runs are spread between them."""
    healthy = Row(subject=NONE_PLANTED)
    rows = [healthy]
    shares = spread(runs, over=len(defects) + 1)

    async def play_row(row: Row, card: DefectCard | None, count: int) -> None:
        for _ in range(count):
            options = RunOptions(seed=first_seed + row.runs, form=QUICK, defect=card.id if card else None)
            result = await run(fleet, scenario, options)
            _count(row, result.verdict, card)
            row.directories.append(str(result.directory))
            report(row.subject, row.runs, runs, result.verdict)

    await play_row(healthy, None, shares[0])
    for name, share in zip(defects, shares[1:], strict=True):
        rows.append(Row(subject=name))
        await play_row(rows[-1], scenario.defect(name), runs)
        await play_row(healthy, None, share)
    return Matrix(scenario=scenario.id, rows=tuple(rows), holds=all(_holds(row) for row in rows))


def spread(count: int, *, over: int) -> list[int]:
    """`count` in `over` shares as equal as can be, the last ones the larger."""
    return [count * (number + 1) // over - count * number // over for number in range(over)]


def _count(row: Row, verdict: Verdict, card: DefectCard | None) -> None:
    row.runs += 1
    row.passed += verdict.outcome is Outcome.PASS
    row.failed += verdict.outcome is Outcome.FAIL
    row.invalid += verdict.outcome is Outcome.INVALID
    row.named += bool(card and set(card.caught_by) & set(verdict.failed))
    for invariant in verdict.failed:
        row.by_invariant[invariant] = row.by_invariant.get(invariant, 0) + 1


def _holds(row: Row) -> bool:
    if row.subject == NONE_PLANTED:
        return row.failed == 0 and row.passed > 0
    return row.named >= DETECTIONS_SHARE_MIN * row.runs
