"""Judge a run once more after its damage was undone: the same history, the fleet as it stands now."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from scenarios.collection import collect
from scenarios.drills import checkers_of
from scenarios.evidence import EvidenceUnreadableError, load_facts
from scenarios.fleet import Fleet
from scenarios.quiescence import Quiescence
from scenarios.run_directory import conclude, create_run_directory, history_path, newest_first
from scenarios.verdict import Verdict
from scenarios.world.journals import Marks

REPAIRED = "-repaired"
"""Ends the scenario's name in the directory of a run that was judged again after a repair."""


DoneT = TypeVar("DoneT", bound="Done")


class LastRun(msgspec.Struct, frozen=True):
    """The run whose damage is repaired."""

    directory: Path
    started_at: float


class Done(Protocol):
    """What a repair did, as far as judging needs to know: how the fleet came to rest after it."""

    @property
    def quiescence(self) -> Quiescence: ...


class Rejudged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict after the repair, in a run directory of its own."""

    verdict: Verdict
    directory: Path


def last_run(fleet: Fleet) -> LastRun | None:
    """The newest run of this home that was played to its end."""
    for directory in newest_first(fleet.layout.runs):
        with contextlib.suppress(EvidenceUnreadableError):
            return LastRun(directory, load_facts(directory).started_at)
    return None


def was_repaired(runs: Path) -> bool:
    """Whether damage was ever repaired in this home."""
    return any(runs.glob(f"*-*{REPAIRED}-*"))


async def applied(fleet: Fleet, apply: Callable[[float], Awaitable[DoneT]]) -> tuple[DoneT, Rejudged | None]:
    """Apply a repair alone on the fleet, then judge the last run again, if there was one.

    `apply` is told since when (epoch seconds) there is work to wait for. Raises `OperatorError` (fleet.busy).
    """
    with fleet.exclusive():
        before, began_at = last_run(fleet), time.time()
        done = await apply(before.started_at if before else 0.0)
        return done, await rejudge(fleet, before, rest=done.quiescence, began_at=began_at) if before else None


async def rejudge(fleet: Fleet, run: LastRun, *, rest: Quiescence, began_at: float) -> Rejudged:
    """Collect the evidence anew and judge it as that of a repaired fleet; `rest` is what came of waiting for it.

    `began_at` (epoch seconds) is when the repair began.
    """
    facts = load_facts(run.directory)
    directory = create_run_directory(fleet.layout.runs, f"{facts.scenario}{REPAIRED}", seed=facts.seed)
    await asyncio.to_thread(shutil.copyfile, history_path(run.directory), history_path(directory))
    facts.repaired = True
    facts.repair_began_at = facts.repair_began_at or began_at
    facts.problems = []
    facts.quiesced_at = time.time() if rest.reached else None
    evidence = await collect(fleet, facts, directory, since=Marks())
    return Rejudged(
        verdict=await asyncio.to_thread(conclude, evidence, directory, checkers_of(facts.scenario)), directory=directory
    )
