"""Points of a drill: what was reached and how soon, less hints, wrong answers and harm. Pure."""

from typing import Final

import msgspec

from scenarios.drilling.record import PHASES, Drill
from scenarios.drilling.truth import money_share

POINTS: Final = {"detect": 10, "diagnose": 30, "mitigate": 15, "repair": 15, "prove": 15}
IMPACT_POINTS: Final = 10
MONEY_POINTS: Final = 5
PAR_S: Final = {"detect": 300.0, "diagnose": 900.0, "mitigate": 1_200.0, "repair": 1_500.0, "prove": 1_800.0}
"""Reached within so many seconds of the alert, a phase has all its points; from the fourfold on it has half of them."""
SLOW_FACTOR: Final = 4.0
HINT_COSTS: Final = 5
WRONG_COSTS: Final = 8
GUESSES_MAX: Final = 2
"""Whoever names the cause after more wrong ones has guessed it, and diagnosed nothing."""
ALL_CLEAR_COSTS: Final = 30
"""Of calling a broken shop healthy, once: as often as not it would be worth a try."""
NEEDLESS_COSTS: Final = 10
HARM_COSTS: Final = 1
HARM_COSTS_MAX: Final = 30


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the account. `after_s` counts from the alert."""

    what: str
    points: float
    of: int = 0
    after_s: float | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is the sum of the lines, never below 0; `of` is what could be had."""

    total: int
    of: int
    lines: tuple[Line, ...]


def score(drill: Drill, *, repairable: bool) -> Score:
    """The account as it stands. An incident without a repair command has no points for repairing."""
    wanted = [phase for phase in PHASES if phase != "repair" or repairable or drill.is_healthy]
    lines = [_phase(drill, phase) for phase in wanted]
    lines += [_impact(drill), _money(drill)]
    of = sum(line.of for line in lines)
    for what, count, costs in (
        ("hints", drill.hints, HINT_COSTS),
        ("wrong answers", drill.wrong, WRONG_COSTS),
        ("called healthy and was not", int(drill.all_clear), ALL_CLEAR_COSTS),
        ("needless actions", drill.needless, NEEDLESS_COSTS),
    ):
        if count:
            lines.append(Line(what=f"{what}: {count}", points=-count * costs))
    if drill.wrong_causes > GUESSES_MAX:
        lines.append(Line(what="the cause was guessed", points=-_phase(drill, "diagnose").points))
    if drill.harmed:
        costs = min(len(drill.harmed) * HARM_COSTS, HARM_COSTS_MAX)
        lines.append(Line(what=f"orders harmed that were right: {len(drill.harmed)}", points=-costs))
    total = max(0, round(sum(line.points for line in lines)))
    return Score(total=total, of=of, lines=tuple(lines))


def _phase(drill: Drill, phase: str) -> Line:
    reached = drill.phases.get(phase)
    if reached is None:
        return Line(what=phase, points=0, of=POINTS[phase])
    after_s = reached - drill.alerted_at
    return Line(
        what=phase,
        points=round(POINTS[phase] * share(after_s, PAR_S[phase]), 1),
        of=POINTS[phase],
        after_s=round(after_s, 1),
    )


def share(after_s: float, par_s: float) -> float:
    """1 within par, falling to a half at SLOW_FACTOR × par and no further."""
    late = (after_s - par_s) / (par_s * (SLOW_FACTOR - 1))
    return 1.0 - 0.5 * min(max(late, 0.0), 1.0)


def _impact(drill: Drill) -> Line:
    impact = drill.impact
    if impact is None:
        return Line(what="impact", points=0, of=IMPACT_POINTS)
    total = impact.precision + impact.recall
    harmonic = 2 * impact.precision * impact.recall / total if total else 0.0
    return Line(what="impact", points=round(IMPACT_POINTS * harmonic, 1), of=IMPACT_POINTS)


def _money(drill: Drill) -> Line:
    """The nearer the better."""
    named = drill.money_minor
    near = 0.0 if named is None else money_share(drill.truth.money_minor, named)
    return Line(what="money", points=round(MONEY_POINTS * near, 1), of=MONEY_POINTS)
