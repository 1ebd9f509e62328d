"""What every engine is to the rest of the stack: prepare, command, probe, and what to do after it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from compose.layout import Layout
from compose.machine import DISK_FULL, disk_full
from compose.operator_error import OperatorError
from compose.process import Command, Process, tail

STAMP: Final = "provider"

# a role and what it is doing now, for the live table: ("kafka", "fetching jars 12/46")
Report = Callable[[str, str], None]


class NotReadyError(Exception):
    """The engine runs but did not answer a real call yet."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an engine is built from."""

    layout: Layout
    password: str
    cluster_id: str
    report: Report

    def home(self, engine: str) -> Path:
        return self.layout.engines / engine


class Engine(Protocol):
    """One engine of the local profile."""

    name: str
    url: str
    ports: tuple[str, ...]
    ready_seconds_max: float

    async def prepare(self) -> None:
        """Choose a program, fetch what is missing, initialise data. Repeatable."""

    def command(self) -> Command: ...

    async def probe(self, process: Process) -> None:
        """One real call; raises NotReadyError until it succeeds against this very process."""

    def ended(self, *, cleanly: bool) -> None:
        """Called after the process is gone."""

    def describe(self) -> str:
        """Program and version, for people."""
        ...


def claim_data(home: Path, provider: str) -> None:
    """Tie a data directory to the program and major version that wrote it.

    Raises OperatorError `engine.other_data` when another one wrote it.
    """
    stamp = home / STAMP
    try:
        written_by = stamp.read_text()
    except FileNotFoundError:
        stamp.write_text(provider)
        return
    if written_by != provider:
        raise OperatorError(
            "engine.other_data",
            f"The data in {home} were written by {written_by}, but this start would use {provider}.",
            mend="Start with the same engines as before (see SHOPSTREAM_ENGINES), or drop them: shopctl down --wipe.",
        )


def explain_end(name: str, exit_code: int | None, log: Path) -> OperatorError:
    """Why an engine ended instead of becoming ready, as far as its log tells."""
    if DISK_FULL in tail(log):
        return disk_full(log.parent)
    return OperatorError(
        "engine.ended",
        f"{name} ended with exit code {exit_code} while starting.",
        mend=f"Read the end of {log}; shopctl doctor checks the usual causes.",
    )


def minimal_environ(home: Path) -> dict[str, str]:
    """The little an engine may know of our environment."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(home),
        "TMPDIR": str(home),
    }
