"""The faults that are on, one file each in the fleet's home, so that anybody sees them and can heal them."""

import os
import time
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import msgspec

from compose.layout import Layout
from compose.process import is_same, start_ticks
from scenarios.faults.catalogue import made
from scenarios.faults.fault import FaultValue

State = Literal["injecting", "on", "healing", "healed", "failed"]
ID_CHARS = 8


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and how it stands. `ends_at` is when its keeper heals it; times are the machine's clock's.

    `error` is why it could not be injected or healed, as OperatorError.to_dict gives it.
    """

    id: str
    fault: dict[str, Any]
    state: State = "injecting"
    confirmed: bool = False
    probe: str = ""
    error: dict[str, str | int] | None = None
    since: float = 0.0
    ends_at: float = 0.0
    keeper_pid: int = 0
    keeper_ticks: int = 0

    @property
    def value(self) -> FaultValue:
        """The fault itself. Raises OperatorError when this catalogue does not have it."""
        given = dict(self.fault)
        return made(str(given.pop("fault")), settings=given)

    @property
    def is_kept(self) -> bool:
        """Whether somebody is there who will heal it."""
        return self.keeper_pid > 0 and is_same(self.keeper_pid, self.keeper_ticks)


def new(fault: FaultValue) -> Active:
    """The record of a fault about to be injected by this process."""
    pid = os.getpid()
    return Active(
        id=uuid4().hex[:ID_CHARS],
        fault=msgspec.to_builtins(fault),
        keeper_pid=pid,
        keeper_ticks=start_ticks(pid) or 0,
    )


def save(layout: Layout, active: Active) -> None:
    """Write the record in one step."""
    path = _path(layout, active.id)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(active))
    partial.replace(path)


def find(layout: Layout, fault_id: str) -> Active | None:
    """The record of that id."""
    try:
        return msgspec.json.decode(_path(layout, fault_id).read_bytes(), type=Active)
    except FileNotFoundError:
        return None


def ends(active: Active) -> str:
    """In how many seconds it heals, for people; "" for one that nobody will heal."""
    return f"{max(0.0, active.ends_at - time.time()):.0f} s" if active.is_kept and active.ends_at else ""


def drop(layout: Layout, fault_id: str) -> None:
    """Forget a fault; one that is forgotten already stays so."""
    _path(layout, fault_id).unlink(missing_ok=True)


def every(layout: Layout) -> list[Active]:
    """All records, oldest first."""
    found = (find(layout, path.stem) for path in layout.faults.glob("*.json"))
    return sorted((it for it in found if it is not None), key=lambda it: it.since)


def _path(layout: Layout, fault_id: str) -> Path:
    return layout.faults / f"{fault_id}.json"
