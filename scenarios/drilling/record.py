"""What is known of a drill, kept sealed in its folder: the truth, the clock, what the responder did.

Layout: `drills/<utc>-<incident>/` with `drill.sealed`, `brief.html`, and in the end `review.txt` and `review.html`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from compose import secrets_file
from compose.layout import Layout
from compose.operator_error import OperatorError
from scenarios.drilling.signals import Brief
from scenarios.run_directory import STAMP
from scenarios.verdict import Blast
from shared.sealing import SealBrokenError, seal, unseal

FILE: Final = "drill.sealed"
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
    """What really was the matter. `orders` are the numbers of the affected ones by their ids.

    `concerned` are all that some violation is about: whatever was done to them harms nobody who was right.
    """

    cause: str
    services: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    orders: dict[str, str] = {}
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

    `run` is the name of the run whose damage it is about; `told` hints stand in the brief, `hints` were asked for;
    `fixed` says that what was planted is out; `needless` counts actions on a fleet that needed none.
    """

    id: str
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
    service: str = ""
    cause: str = ""
    note: str = ""
    impact: Impact | None = None
    phases: dict[str, float] = {}
    refused: dict[str, tuple[str, ...]] = {}
    harmed: dict[str, str] = {}
    needless: int = 0
    fixed: bool = False
    closed_at: float | None = None
    timeline: list[Moment] = []

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was planted."""
        return not self.truth.services


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
    if path is None:
        return None
    secret = secrets_file.load_or_make(layout).internal_secret
    try:
        return msgspec.json.decode(unseal(path.read_text(), secret=secret, purpose=PURPOSE), type=Drill)
    except (SealBrokenError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OperatorError(
            "drill.damaged",
            f"{path} was changed or belongs to another fleet: this drill cannot be judged.",
            mend=f"Begin another one after removing {path.parent}.",
            exit_code=3,
        ) from error


def current(layout: Layout) -> Drill:
    """The drill that is under way. Raises `OperatorError` (drill.none, drill.damaged)."""
    drill = newest(layout)
    if drill is None or drill.closed_at is not None:
        raise OperatorError("drill.none", "No drill is under way.", mend="Begin one: shopctl drill start flash-sale")
    return drill
