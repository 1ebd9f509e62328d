"""What is known about a home's stack on disk: which processes run on which ports, and how to reach them.

Written by the supervisor only; anybody may read it. Holds passwords, so it is private to its owner.
"""

import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from compose import ports
from compose.layout import Layout, default_cache, default_home
from compose.machine import not_yours
from compose.operator_error import OperatorError
from compose.process import is_same

VERSION: Final = "0.1.0"

ProfileName = Literal["local", "compose", "external"]
"""How the stack is run: as processes of this machine, as containers, or on engines of somebody else."""


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A process by its true identity: pid and start time in clock ticks since boot."""

    name: str
    kind: str
    pid: int
    start_ticks: int
    port: int = 0

    @property
    def is_running(self) -> bool:
        return is_same(self.pid, self.start_ticks)


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """The content of stack.json. `audit_url` has a `{database}` placeholder."""

    version: str = VERSION
    profile: ProfileName = "local"
    port_base: int
    supervisor: ProcessRecord
    processes: tuple[ProcessRecord, ...] = ()
    urls: dict[str, str] = {}
    inside: dict[str, str] = {}
    """The addresses of `urls` that the stack itself reaches elsewhere than the operator does."""
    audit_url: str = ""
    timings_s: dict[str, float] = {}
    started_at: float = 0.0
    error: dict[str, str | int] | None = None


def load(layout: Layout) -> StackState | None:
    """The recorded state of a home; None when nothing was ever started or the file is not ours.

    Raises OperatorError `home.not_yours` when another user keeps it to himself.
    """
    try:
        return msgspec.json.decode(layout.stack_file.read_bytes(), type=StackState)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    except PermissionError as error:
        raise not_yours(layout.home) from error


def save(layout: Layout, state: StackState) -> None:
    """Replace stack.json in one step."""
    partial = layout.stack_file.with_suffix(".partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state), indent=1))
    partial.replace(layout.stack_file)


def layout_of(home: Path | None = None) -> Layout:
    """The layout of a home with the port base it was last started on."""
    place = (home or default_home()).absolute()
    layout = Layout(place, default_cache(), ports.DEFAULT_BASE)
    known = load(layout)
    return Layout(place, layout.cache, known.port_base) if known else layout


def running(home: Path | None = None) -> tuple[Layout, StackState]:
    """Layout and state of the stack that runs now.

    Raises OperatorError `stack.down` when its supervisor does not run.
    """
    layout = layout_of(home)
    known = load(layout)
    if known is None or not known.supervisor.is_running:
        raise OperatorError("stack.down", f"No stack is running in {layout.home}.", mend="Start one: shopctl up.")
    return layout, known
