"""The only place that writes to the terminal. Progress goes to stderr, data to stdout; colours only on terminals.

The vocabulary is closed: info, ok, warn, fail, working, table, json, board.
"""

import os
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PLAIN_WIDTH: Final = 200
COLUMN_GAP: Final = 2
MEGABYTE: Final = 1_000_000
STATE_STYLES: Final = {
    "ready": "green",
    "ok": "green",
    "pass": "green",
    "starting": "yellow",
    "waiting": "dim",
    "not ready": "red",
    "crashed": "red",
    "fail": "red",
    "warn": "yellow",
    "invalid": "yellow",
    "stopping": "yellow",
    "stopped": "dim",
}


def info(text: str) -> None:
    """Something worth knowing."""
    _say(text, "")


def ok(text: str) -> None:
    """Something is done."""
    _say(text, "green")


def warn(text: str) -> None:
    """Something an operator should look at."""
    _say(text, "yellow")


def fail(what: str, mend: str) -> None:
    """The two lines of an operator error: what is wrong, what to do."""
    _say(what, "bold red")
    _say(mend, "")


@contextmanager
def working(text: str) -> Generator[None]:
    """A sign of life while the block runs; one plain line where there is no terminal."""
    console = _console(stderr=True)
    if not console.is_terminal:
        console.print(text, markup=False, highlight=False)
        yield
        return
    with console.status(text):
        yield


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Data for people, on stdout; a word in its place when there is none."""
    console = _console(stderr=False)
    cells = [_cells(row) for row in rows]
    if not cells:
        line(f"{title}: none." if title else "None.")
    elif _longest_words(columns, cells) > console.width:
        _print_records(console, columns, cells, title=title)
    else:
        console.print(_table(columns, cells, title=title))


def json(value: Any) -> None:
    """Data for programs, on stdout."""
    import json as library  # noqa: PLC0415 -- shadowed by our own word for it

    line(library.dumps(value, indent=2, default=str))


def line(text: str) -> None:
    """One line of data, on stdout, as it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdict(judged: Any, *, report: str) -> None:
    """A run's verdict: one row per invariant, what did happen, what is at stake, and where the report is."""
    table(
        ("invariant", "name", "verdict", "checked", "violations", "example"),
        [
            (
                result.id,
                result.name,
                result.outcome.lower(),
                result.checked,
                result.violations or "",
                result.first.message if result.first else "; ".join(result.weaknesses),
            )
            for result in judged.results
        ],
        title=judged.title,
    )
    if judged.happened:
        table(
            ("it did happen", "count", ""),
            [(f"{state.statement} ({state.id})", state.count, _demand(state)) for state in judged.happened],
        )
    for weakness in judged.weaknesses:
        warn(f"too weak to judge: {weakness}")
    if judged.first_violation is not None:
        warn(f"first violation at t = {judged.first_violation.after_s:.1f} s: {judged.first_violation.message}")
    line(f"at stake: {judged.blast.said}")
    style = {"PASS": "bold green", "FAIL": "bold red"}.get(judged.outcome, "bold yellow")
    console = _console(stderr=False)
    console.print(f"{judged.outcome}  {judged.title}", style=style, markup=False, highlight=False)
    line(f"report: {report}")


def _demand(state: Any) -> str:
    """Why a count matters, in the words that have a colour."""
    if state.missing:
        return "invalid"
    return "ok" if state.demanded else "not demanded in this form"


def megabytes(amount: int) -> str:
    return f"{amount / MEGABYTE:.0f} MB" if amount else ""


class Bars:
    """Progress bars on stderr; where there is no terminal, one line when a bar is full."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 -- slow import

        self._console = _console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), console=self._console
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def report(self, what: str, done: int, total: int) -> None:
        """`done` of `total` pieces of `what`; the total may turn out to be another meanwhile."""
        if not self._console.is_terminal:
            if done == total:
                info(f"{what}: {total}")
            return
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


def progress() -> Bars:
    """Bars for long work whose size is known."""
    return Bars()


class Board:
    """A table on stderr whose rows change in place; where there is no terminal, one line per finished row."""

    def __init__(self, columns: Sequence[str], *, final: Sequence[str]) -> None:
        self._columns = columns
        self._final = final
        self._rows: dict[str, Sequence[object]] = {}
        self._announced: set[tuple[str, str]] = set()
        self._console = _console(stderr=True)
        self._live: Any = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live  # noqa: PLC0415 -- 0.1 s to import

            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live is not None:
            self._live.__exit__(*failure)

    def row(self, name: str, state: str, *rest: object) -> None:
        """Set the row `name`."""
        self._rows[name] = (name, state, *rest)
        if self._live is not None:
            self._live.update(_table(self._columns, map(_cells, self._rows.values()), title=""))
        elif state in self._final and (name, state) not in self._announced:
            self._announced.add((name, state))
            info(" ".join(str(part) for part in (name, state, *rest) if part))


def _say(text: str, style: str) -> None:
    _console(stderr=True).print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console  # noqa: PLC0415 -- 0.1 s to import, and --help must be quick

    stream = sys.stderr if stderr else sys.stdout
    asked = os.environ.get("COLUMNS", "")
    width = int(asked) if asked.isdigit() and int(asked) else None
    return Console(file=stream, width=width or (None if stream.isatty() else PLAIN_WIDTH))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str) -> "Table":
    from rich import box  # noqa: PLC0415 -- the same
    from rich.table import Table  # noqa: PLC0415 -- the same
    from rich.text import Text  # noqa: PLC0415 -- the same

    made = Table(title=title or None, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in NUMERIC else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell, style=STATE_STYLES.get(cell, "")) for cell in row))
    return made


def _cells(row: Sequence[object]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in row]


def _longest_words(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width below which a table would break words."""
    longest = [len(column) for column in columns]
    for row in rows:
        longest = [
            max(width, *(len(word) for word in cell.split() or [""])) for width, cell in zip(longest, row, strict=True)
        ]
    return sum(longest) + COLUMN_GAP * (len(columns) - 1)


def _print_records(console: "Console", columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> None:
    """What a narrow terminal gets instead of a table: a row is a paragraph, a cell a line."""
    if title:
        console.print(title, style="italic", markup=False, highlight=False)
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            if cell:
                style = STATE_STYLES.get(cell)
                console.print(f"{column}: {cell}", style=style, markup=False, highlight=False, soft_wrap=True)
        console.print()


NUMERIC: Final = frozenset(
    {
        "checked",
        "violations",
        "failed",
        "invalid",
        "passed",
        "defects",
        "pid",
        "port",
        "memory",
        "time",
        "lag",
        "restarts",
        "count",
    }
)

__all__ = [
    "Bars",
    "Board",
    "fail",
    "info",
    "json",
    "line",
    "megabytes",
    "ok",
    "progress",
    "table",
    "verdict",
    "warn",
    "working",
]
