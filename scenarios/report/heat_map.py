"""A matrix for people: one HTML file that needs nothing else, and a Markdown table for the docs. Judges nothing."""

import msgspec

from scenarios.matrix import Matrix, Row
from scenarios.report.page import STYLE, TEMPLATES
from scenarios.statistics_text import k_of_n, none_in


class Cell(msgspec.Struct, frozen=True):
    """How often an invariant failed in a row's runs; `heat` in per cent, `named` when the defect's card names it."""

    count: int
    heat: int
    named: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the map; `seen` are detections of a defect, false alarms of the healthy fleet."""

    scenario: str
    subject: str
    said: str
    holds: bool
    healthy: bool
    seen: int
    runs: int
    passed: int
    invalid: int
    cells: tuple[Cell, ...]


def lines(matrix: Matrix) -> list[Line]:
    return [
        Line(
            scenario=row.scenario,
            subject=row.subject,
            said=said(row),
            holds=row.holds,
            healthy=row.healthy,
            seen=row.failed if row.healthy else row.named,
            runs=row.runs,
            passed=row.passed,
            invalid=row.invalid,
            cells=tuple(_cell(row, invariant) for invariant in matrix.invariants),
        )
        for row in matrix.rows
    ]


def said(row: Row) -> str:
    """What the row showed, with what so many runs can show."""
    if not row.healthy:
        return k_of_n(row.named, row.runs, "caught by name")
    return none_in(row.runs, "false alarms") if row.failed == 0 else k_of_n(row.failed, row.runs, "false alarm")


def page(matrix: Matrix) -> str:
    """The heat map as HTML."""
    return TEMPLATES.get_template("heat_map.html").render(
        css=STYLE,
        tone="pass" if matrix.holds else "fail",
        verdict="HOLDS" if matrix.holds else "DOES NOT HOLD",
        scenarios=matrix.scenarios,
        runs=sum(row.runs for row in matrix.rows),
        invariants=matrix.invariants,
        lines=lines(matrix),
    )


def markdown(matrix: Matrix) -> str:
    """A table of defects × invariants; the invariants that a defect's card names are bold."""
    heads = ("scenario", "planted", "result", "passed", "invalid", *matrix.invariants)
    rows = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for line in lines(matrix):
        cells = [_bold(cell) for cell in line.cells]
        parts = (line.scenario, line.subject, line.said, str(line.passed), str(line.invalid), *cells)
        rows.append("| " + " | ".join(parts) + " |")
    return "\n".join(rows) + "\n"


def _bold(cell: Cell) -> str:
    if cell.named:
        return f"**{cell.count}**"
    return str(cell.count) if cell.count else ""


def _cell(row: Row, invariant: str) -> Cell:
    count = row.by_invariant.get(invariant, 0)
    return Cell(count, round(100 * count / row.runs) if row.runs else 0, invariant in row.caught_by)
