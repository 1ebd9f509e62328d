"""What is known of a drill, kept sealed in its folder: the truth, the clock, what the responder did.

Layout: `drills/<utc>-<incident>/` with `drill.sealed`, `brief.html`, and in the end `review.txt` and `review.html`.
"""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from compose import secrets_file
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.drilling.signals import Brief
from scenarios.run_directory import STAMP
from scenarios.verdict import Blast
from shared.sealing import SealBrokenError, seal, unseal

FILE: Final = "drill.sealed"
LOCK: Final = "lock"
UNVOUCHED: Final = "the supervisor began anew: for what was answered until then the record alone vouches"
PURPOSE: Final = "drill"
PHASES: Final = ("detect", "diagnose", "mitigate", "repair", "prove")
NAME_ATTEMPTS_MAX: Final = 100


class Moment(msgspec.Struct, frozen=True):
    """Something that happened, for the timeline; `at` is epoch seconds."""

    at: float
    what: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An invariant that the drill's load violated."""

    id: str
    name: str
    statement: str
    violations: int
    example: str = ""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What really was the matter. `orders` are the numbers of the affected ones by their ids, `money_minor` is by
    currency what goes back to their customers, or where nothing does what they come to.

    `concerned` are all that some violation is about: whatever was done to them harms nobody who was right.
    """

    cause: str
    services: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    orders: dict[str, str] = {}
    money_minor: dict[str, int] = {}
    concerned: tuple[str, ...] = ()
    blast: Blast = Blast()
    first_violation_s: float | None = None


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """How well the affected orders were named, each from 0 to 1."""

    named: int
    precision: float
    recall: float


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody has a reason to change: digests of the evidence, audit views as defined, processes by their pids."""

    files: dict[str, str] = {}
    views: dict[str, str] = {}
    processes: dict[str, int] = {}


class Drill(msgspec.Struct, kw_only=True):
    """One drill. All `_at` are epoch seconds; `phases` has when each phase was reached, `refused` why the last was not.

    `revision` counts what was saved of it; `run` is the name of the run whose damage it is about; `told` hints stand in
    the brief, `hints` were asked for; `fixed` says that what was planted is out, `rolled_back` in which services.
    `money_minor` is the money that was named. `wrong_causes` are those of the `wrong` answers that named a cause before
    the right one, `all_clear` says that one of them was that nothing is wrong; `needless` counts actions on a fleet
    that needed none.
    """

    id: str
    revision: int = 0
    incident: str
    level: int
    seed: int
    form: str
    run: str
    load_seed: int
    truth: Truth
    guard: Guard
    brief: Brief
    alerted_at: float
    told: int = 0
    hints: int = 0
    submissions: int = 0
    wrong: int = 0
    wrong_causes: int = 0
    all_clear: bool = False
    service: str = ""
    cause: str = ""
    note: str = ""
    impact: Impact | None = None
    money_minor: dict[str, int] | None = None
    phases: dict[str, float] = {}
    refused: dict[str, tuple[str, ...]] = {}
    harmed: dict[str, str] = {}
    needless: int = 0
    fixed: bool = False
    rolled_back: tuple[str, ...] = ()
    closed_at: float | None = None
    timeline: list[Moment] = []

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was planted."""
        return not self.truth.services

    @property
    def is_broken(self) -> bool:
        """Whether something is planted that nobody has taken out."""
        return not (self.fixed or set(self.truth.services) <= set(self.rolled_back))


class Memory(Protocol):
    """What forgets no revision when somebody puts an older copy of a record back: the supervisor."""

    def highest(self, name: str, number: int) -> int: ...


def create_folder(layout: Layout, incident: str, *, now: float) -> Path:
    """A new folder for a drill."""
    stamp = datetime.fromtimestamp(now, UTC).strftime(STAMP)
    for number in range(1, NAME_ATTEMPTS_MAX + 1):
        path = layout.drills / (f"{stamp}-{incident}" if number == 1 else f"{stamp}-{incident}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{NAME_ATTEMPTS_MAX} drills began in the same second")


def folder(layout: Layout, drill: Drill) -> Path:
    """Where a drill is kept."""
    return layout.drills / drill.id


def save(layout: Layout, drill: Drill) -> None:
    """Replace the record in one step."""
    path = folder(layout, drill) / FILE
    partial = path.with_suffix(".partial")
    secret = secrets_file.load_or_make(layout).internal_secret
    partial.write_text(seal(msgspec.json.encode(drill), secret=secret, purpose=PURPOSE))
    partial.replace(path)


def newest(layout: Layout) -> Drill | None:
    """The drill that was begun last, open or not. Raises `OperatorError` (drill.damaged)."""
    path = max(layout.drills.glob(f"*/{FILE}"), default=None)
    return None if path is None else _opened(layout, path)


def played_before(layout: Layout, incident: str, *, level: int, seed: int) -> list[str]:
    """The drills of this home that drew the same and are over: whoever played one knows the truth."""
    found: list[Drill] = []
    for path in sorted(layout.drills.glob(f"*/{FILE}")):
        with suppress(OperatorError):
            found.append(_opened(layout, path))
    return [drill.id for drill in found if (drill.incident, drill.level, drill.seed) == (incident, level, seed)]


def current(layout: Layout) -> Drill:
    """The drill that is under way. Raises `OperatorError` (drill.none, drill.damaged)."""
    drill = newest(layout)
    if drill is None or drill.closed_at is not None:
        raise OperatorError("drill.none", "No drill is under way.", mend="Begin one: shopctl drill start flash-sale")
    return drill


@contextmanager
def alone(layout: Layout) -> Generator[None]:
    """Nobody else begins, answers or ends a drill meanwhile. Raises `OperatorError` (drill.busy)."""
    layout.drills.mkdir(parents=True, exist_ok=True)
    with (layout.drills / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                "drill.busy", "Another command of this drill is under way.", mend="Wait for its end.", exit_code=2
            ) from None
        yield


@contextmanager
def under_way(layout: Layout, memory: Memory) -> Generator[Drill]:
    """The drill that is under way, alone; saved when the block ends well.

    Raises `OperatorError` (drill.none, drill.damaged, drill.busy).
    """
    current(layout)  # where there is none, nothing is made
    with alone(layout):
        drill = current(layout)
        known = memory.highest(drill.id, drill.revision)
        if known > drill.revision:
            raise _damaged(folder(layout, drill) / FILE)
        if not known:
            drill.timeline.append(Moment(time.time(), UNVOUCHED))
        yield drill
        save_next(layout, drill, memory)


def save_next(layout: Layout, drill: Drill, memory: Memory) -> None:
    """Save it as the next revision, after which no earlier one counts."""
    drill.revision += 1
    save(layout, drill)
    memory.highest(drill.id, drill.revision)


def _opened(layout: Layout, path: Path) -> Drill:
    secret = secrets_file.load_or_make(layout).internal_secret
    try:
        drill = msgspec.json.decode(unseal(path.read_text(), secret=secret, purpose=PURPOSE), type=Drill)
    except (SealBrokenError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(path) from error
    if drill.id != path.parent.name:
        raise _damaged(path)
    return drill


def _damaged(path: Path) -> OperatorError:
    return OperatorError(
        "drill.damaged",
        f"{path} was changed or belongs to another fleet: this drill cannot be judged.",
        mend=f"Begin another one after removing {path.parent}.",
        exit_code=3,
    )
