"""What a benchmark tells: figures beside a floor or a peer of the same run, a table for people, JSON for programs."""

from pathlib import Path
from typing import Literal, Protocol

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure and what was measured beside it; made by `figure`.

    `beside` names the floor (the least that can be had) or the peer (what others do), `beside_measured` is in the same
    unit, `ratio` is measured over that and None where that was too little to be measured. `goal` is of `goal_of`; None
    where nothing was promised. A goal is a limit, or the least that is wanted with `at_least`.
    """

    what: str
    unit: str
    measured: float
    beside: str
    beside_measured: float
    ratio: float | None
    goal: float | None
    goal_of: Literal["measured", "ratio"]
    at_least: bool
    reached: bool | None


class Report(Protocol):
    """What every benchmark makes: a struct of all it saw, and the figures that come of it."""

    @property
    def benchmark(self) -> str: ...
    @property
    def figures(self) -> tuple[Figure, ...]: ...
    @property
    def reached(self) -> bool: ...


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of one benchmark."""

    figures: tuple[Figure, ...]
    report: msgspec.Raw


def figure(
    what: str,
    unit: str,
    *,
    measured: float,
    beside: tuple[str, float],
    goal: float | None = None,
    goal_of: Literal["measured", "ratio"] = "measured",
    at_least: bool = False,
) -> Figure:
    """A figure with its ratio and its verdict, which is None without a goal; a ratio that is not known reaches none."""
    name, beside_measured = beside
    ratio = measured / beside_measured if beside_measured > 0 else None
    judged = measured if goal_of == "measured" else ratio
    return Figure(
        what=what,
        unit=unit,
        measured=_rounded(measured),
        beside=name,
        beside_measured=_rounded(beside_measured),
        ratio=None if ratio is None else _rounded(ratio),
        goal=goal,
        goal_of=goal_of,
        at_least=at_least,
        reached=None if goal is None else _reaches(judged, goal, at_least=at_least),
    )


def _reaches(judged: float | None, goal: float, *, at_least: bool) -> bool:
    if judged is None:
        return False
    return judged >= goal if at_least else judged <= goal


def all_reached(figures: tuple[Figure, ...]) -> bool:
    """Whether no figure misses its goal."""
    return all(one.reached is not False for one in figures)


def goal_text(one: Figure) -> str:
    """Such as `≤ 60`, `≥ 5 ×`, `–`."""
    if one.goal is None:
        return "–"
    return f"{'≥' if one.at_least else '≤'} {one.goal:g}{' ×' if one.goal_of == 'ratio' else ''}"


def ratio_text(one: Figure) -> str:
    """Such as `2.5`; `?` where it is not known."""
    return "?" if one.ratio is None else f"{one.ratio:,g}"


def lines_of(report: Report) -> str:
    """The figures of a report, for people at a terminal."""
    verdicts = {None: "", True: "reached", False: "missed"}
    width = max(len(one.what) for one in report.figures)
    return "\n".join(
        f"{one.what:{width}}  {one.measured:>10,g} {one.unit:10} goal {goal_text(one):8} "
        f"{ratio_text(one)} × {one.beside} ({one.beside_measured:,g})  {verdicts[one.reached]}".rstrip()
        for one in report.figures
    )


def tell(table: str, report: Report, path: Path | None) -> int:
    """Print table and figures, write figures and report to the file where one is named.

    Gives the exit code: 0 when the goals were reached, 1 when one was missed.
    """
    print(table)
    print(lines_of(report))
    if path:
        told = Told(figures=report.figures, report=msgspec.Raw(msgspec.json.encode(report)))
        path.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return 0 if report.reached else 1


def _rounded(value: float) -> float:
    """To four significant digits: nothing here is measured better."""
    return float(f"{value:.4g}")
