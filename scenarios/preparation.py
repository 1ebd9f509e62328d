"""Brings a fleet to the size that a run needs, and knows beforehand which processes it will then have."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

from compose.operator_error import OperatorError
from scenarios.faults.processes import wait_ready
from scenarios.fleet import Fleet

SETTLE_DEADLINE_S: Final = 60.0


async def check_processes(fleet: Fleet, names: Collection[str], *, scale: Mapping[str, int]) -> None:
    """Whether each will run once the services have been scaled. Raises OperatorError (process.unknown)."""
    if not names:
        return
    running = {process["name"] for process in await asyncio.to_thread(fleet.control.processes)}
    known = processes_of(running, scale)
    for name in names:
        if name not in known:
            raise OperatorError(
                "process.unknown", f"There is no process {name!r}.", mend=f"Choose one of: {', '.join(sorted(known))}."
            )


def processes_of(running: Collection[str], scale: Mapping[str, int]) -> frozenset[str]:
    """What will run once the services have been scaled."""
    wanted = {f"{service}-{number}" for service, count in scale.items() for number in range(1, count + 1)}
    return frozenset(running) | wanted


async def scaled(fleet: Fleet, scale: Mapping[str, int]) -> None:
    """At least so many instances of each service, ready."""
    for service, count in scale.items():
        names = [process["name"] for process in await asyncio.to_thread(fleet.control.processes)]
        if sum(name.startswith(f"{service}-") for name in names) < count:
            await fleet.supervise("scale", service=service, count=count)
        for number in range(1, count + 1):
            await wait_ready(fleet, f"{service}-{number}", deadline_s=SETTLE_DEADLINE_S)
