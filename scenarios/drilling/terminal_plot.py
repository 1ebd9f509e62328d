"""Curves drawn with characters, for people who have only a terminal. Pure."""

from collections.abc import Sequence
from typing import Final

from scenarios.drilling.signals import Graph
from scenarios.report.series import Point

WIDTH: Final = 64
HEIGHT: Final = 8
MARKS: Final = "█░*"
"""One for each curve; where curves meet, the first one is seen."""
LABEL_WIDTH: Final = 8


def drawn(graph: Graph) -> list[str]:
    """The lines of one plot: title with the key, rows from the top value to 0, the seconds below."""
    columns = {name: _columns(graph, points) for name, points in graph.curves.items()}
    values = [value for points in columns.values() for value in points if value is not None]
    top = max([*values, 1.0])
    bottom = min([*values, 0.0])
    key = "  ".join(f"{mark} {name}" for mark, name in zip(MARKS, columns, strict=False))
    lines = [f"{graph.title} ({graph.unit})   {key}"]
    for row in range(HEIGHT, -1, -1):
        level = bottom + (top - bottom) * row / HEIGHT
        label = f"{level:>{LABEL_WIDTH},.0f}" if row % (HEIGHT // 2) == 0 else " " * LABEL_WIDTH
        lines.append(f"{label} │{_row(columns, row, bottom=bottom, top=top)}".rstrip())
    start, end = f"{round(graph.start_s)} s", f"{round(graph.end_s)} s"
    lines.append(" " * LABEL_WIDTH + f" └{'─' * WIDTH}")
    lines.append(" " * (LABEL_WIDTH + 2) + start + end.rjust(WIDTH - len(start)))
    return lines


def _row(columns: dict[str, list[float | None]], row: int, *, bottom: float, top: float) -> str:
    cells = [" "] * WIDTH
    for mark, values in reversed(list(zip(MARKS, columns.values(), strict=False))):
        for column, value in enumerate(values):
            if value is not None and round((value - bottom) / (top - bottom) * HEIGHT) == row:
                cells[column] = mark
    return "".join(cells)


def _columns(graph: Graph, points: Sequence[Point]) -> list[float | None]:
    """The value in each column: the last one until then."""
    width_s = (graph.end_s - graph.start_s) / WIDTH
    found: list[float | None] = []
    last: float | None = None
    position = 0
    for column in range(WIDTH):
        until = graph.start_s + (column + 1) * width_s
        while position < len(points) and points[position][0] <= until:
            last = points[position][1]
            position += 1
        found.append(last)
    return found
