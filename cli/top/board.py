"""The board of `shopctl top`: looks at the fleet every so often and draws what it saw."""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Label, Sparkline

from cli.top.cells import COLUMNS, cells, duration
from compose.operator_error import OperatorError
from scenarios import watch
from scenarios.evidence import RunFacts
from scenarios.fleet import Fleet
from scenarios.live import LiveWatch
from scenarios.live_looker import Looker, LookerDiedError, Sight
from scenarios.statistics_text import percent
from scenarios.vital_signs import Glance, Observer, VitalSigns

HISTORY_MAX: Final = 120
STOCK_COLUMNS: Final = ("SKU", "on hand", "reserved", "available")
INVARIANT_COLUMNS: Final = ("invariant", "name", "now")
SORTS: Final[dict[str, Callable[[VitalSigns], float]]] = {
    "process": lambda _: 0.0,
    "requests/s": lambda one: -(one.requests_s or 0.0),
    "p99": lambda one: -(one.p99_s or 0.0),
}


class Table(DataTable[Text | str]):
    """A table that keeps its place when its rows are others."""

    def fill(self, rows: Sequence[Sequence[Text | str]]) -> None:
        """Show these rows and no others."""
        at = self.scroll_offset
        self.clear()
        self.add_rows(rows)
        self.scroll_to(at.x, at.y, animate=False)


class Board(App[None]):
    """Ends when asked to, or when the fleet is gone, which `ended_by` then tells."""

    TITLE = "ShopStream"
    CSS = """
    Screen { layout: vertical; }
    #door { padding: 0 1; height: 1; text-style: bold; }
    .plots { height: 5; }
    .plots Vertical { padding: 0 1; }
    .plots Label { color: $text-muted; }
    Sparkline { height: 3; width: 1fr; }
    #processes { height: 1fr; min-height: 8; border: round $primary; border-title-align: left; }
    .below { height: 12; }
    .below Table { width: 1fr; height: 1fr; border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("p", "pause", "Pause"),
        Binding("s", "sort", "Sort"),
    ]

    def __init__(self, fleet: Fleet, *, every_s: float) -> None:
        super().__init__()
        self.ended_by: OperatorError | None = None
        self._fleet = fleet
        self._checkers = watch.watchable()
        self._looker = Looker(
            Sight(urls=fleet.audit_urls(), history=os.devnull, checkers=tuple(one.id for one in self._checkers))
        )
        self._opened = AsyncExitStack()
        self._every_s = every_s
        self._going = asyncio.Event()
        self._going.set()
        self._sort, *_ = SORTS
        self._glance: Glance | None = None
        self._rates: deque[float] = deque(maxlen=HISTORY_MAX)
        self._p99s: deque[float] = deque(maxlen=HISTORY_MAX)

    def compose(self) -> ComposeResult:
        yield Label("Looking …", id="door", markup=False)
        with Horizontal(classes="plots"):
            with Vertical():
                yield Label("requests/s at the gateway")
                yield Sparkline([], id="rates", summary_function=max)
            with Vertical():
                yield Label("p99 at the gateway")
                yield Sparkline([], id="p99s", summary_function=max)
        yield Table(id="processes", cursor_type="none", zebra_stripes=True)
        with Horizontal(classes="below"):
            yield Table(id="stock", cursor_type="none")
            yield Table(id="invariants", cursor_type="none")
        yield Footer()

    async def on_mount(self) -> None:
        """Name the tables and begin to look."""
        await self._opened.enter_async_context(self._fleet)
        self._opened.push_async_callback(self._looker.close)
        for name, columns in (("processes", COLUMNS), ("stock", STOCK_COLUMNS), ("invariants", INVARIANT_COLUMNS)):
            table = self._table(name)
            table.border_title = name
            table.add_columns(*columns)
        self._look()
        self._judge()

    async def on_unmount(self) -> None:
        """Whoever looks is told to stop and not waited for by the framework: what they used is closed here."""
        self.workers.cancel_all()
        await self._opened.aclose()

    def action_pause(self) -> None:
        """Stand still, or go on."""
        if self._going.is_set():
            self._going.clear()
        else:
            self._going.set()
        self._draw()

    def action_sort(self) -> None:
        """By name, by rate, by p99, and round again."""
        names = list(SORTS)
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        self._draw()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        observer = Observer(self._fleet)
        await self._or_end(lambda: self._looks(observer))

    async def _looks(self, observer: Observer) -> None:
        while True:
            await self._going.wait()
            self._glance = await observer.glance()
            door = self._glance.door
            if door.requests_s is not None:
                self._rates.append(door.requests_s)
                self._p99s.append(door.p99_s or 0.0)
            self._draw()
            await asyncio.sleep(self._every_s)

    @work(exclusive=True, group="judge")
    async def _judge(self) -> None:
        """Ask the live invariants in a process of its own, as a run does."""
        facts = RunFacts(scenario="fleet", seed=0, title="The running fleet", started_at=0.0, history_origin_at=0.0)
        table = self._table("invariants")
        rows = {
            checker.id: table.add_row(checker.id, checker.name, Text("not yet known")) for checker in self._checkers
        }
        column = table.ordered_columns[-1].key
        watching = LiveWatch(lambda: self._looker.look(facts), lambda _: None)
        try:
            while True:
                await self._going.wait()
                await watching.turn()
                for invariant, row in rows.items():
                    seen = watching.seen.get(invariant)
                    said = Text(seen.first.message, "bold red") if seen and seen.first else Text("holds", "green")
                    table.update_cell(row, column, said, update_width=True)
        except LookerDiedError as error:
            for row in rows.values():
                table.update_cell(row, column, Text(f"cannot look: {error}", "yellow"), update_width=True)

    async def _or_end(self, looks: Callable[[], Awaitable[None]]) -> None:
        try:
            await looks()
        except OperatorError as error:
            self.ended_by = error
            self.exit()

    def _draw(self) -> None:
        if self._glance is None:
            return
        door = self._glance.door
        still = "" if self._going.is_set() else "   paused"
        self.query_one("#door", Label).update(
            f"{door.requests_s or 0.0:,.1f} requests/s   errors {percent(door.faults_share)}   "
            f"p99 {duration(door.p99_s) or 'none'}   sorted by {self._sort}{still}"
        )
        self.query_one("#rates", Sparkline).data = list(self._rates)
        self.query_one("#p99s", Sparkline).data = list(self._p99s)
        self._table("processes").fill([_coloured(row) for row in self._rows(self._glance)])
        stock = [(one.sku, str(one.on_hand), str(one.reserved), str(one.available)) for one in self._glance.stock]
        self._table("stock").fill(stock)

    def _table(self, name: str) -> Table:
        return self.query_one(f"#{name}", Table)

    def _rows(self, glance: Glance) -> list[tuple[str, ...]]:
        return [cells(one) for one in sorted(glance.processes, key=SORTS[self._sort])]


def _coloured(row: Sequence[str]) -> list[Text]:
    """Red is who does not answer, what fails, and what is open; the rest is plain."""
    words = dict(zip(COLUMNS, row, strict=True))
    bad = {"errors", "breakers"} if words["requests/s"] != "no answer" else set(COLUMNS)
    return [Text(word, "bold red" if column in bad else "") for column, word in words.items()]
