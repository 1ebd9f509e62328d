"""Kill, pause and restart one process of the fleet, by name, through the supervisor.

A fault that did not bite is reported as unconfirmed, which makes a run INVALID: never assume that a signal hit.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import psutil

from compose.operator_error import OperatorError
from compose.process import is_same
from scenarios.evidence import FaultFired
from scenarios.fleet import Fleet

CONFIRM_DEADLINE_S = 10.0
PROBE_INTERVAL_S = 0.02

Heal = Callable[[], Awaitable[None]]


async def kill(fleet: Fleet, process: str) -> FaultFired:
    """SIGKILL; confirmed when the pid is gone. The supervisor starts the process again."""
    before = await fleet.process(process)
    at = time.time()
    await fleet.supervise("signal", process=process, signal="KILL")
    gone = await _until(lambda: not is_same(before["pid"], before["start_ticks"]))
    return FaultFired(name="kill", target=process, at=at, confirmed=gone, probe=f"pid {before['pid']} is gone")


async def killed_and_back(fleet: Fleet, process: str) -> FaultFired:
    """SIGKILL, then wait until the supervisor reports the process ready again."""
    fired = await kill(fleet, process)
    await wait_ready(fleet, process)
    return FaultFired(
        name=fired.name,
        target=fired.target,
        at=fired.at,
        confirmed=fired.confirmed,
        probe=fired.probe,
        healed_at=time.time(),
    )


async def pause(fleet: Fleet, process: str, *, for_s: float) -> FaultFired:
    """SIGSTOP for a time-boxed while, then SIGCONT; confirmed when the kernel says it is stopped."""
    before = await fleet.process(process)
    at = time.time()
    await fleet.supervise("signal", process=process, signal="STOP")
    try:
        stopped = await _until(lambda: _is_stopped(before["pid"]))
        await asyncio.sleep(for_s)
    finally:
        await fleet.supervise("signal", process=process, signal="CONT")
    return FaultFired(
        name="pause",
        target=process,
        at=at,
        confirmed=stopped,
        probe=f"pid {before['pid']} was stopped for {for_s:g} s",
        healed_at=time.time(),
    )


async def wait_ready(fleet: Fleet, process: str, *, deadline_s: float = 60.0) -> None:
    """Wait until the supervisor calls the process ready. Raises OperatorError (process.not_ready)."""
    until = time.monotonic() + deadline_s
    while (state := (await fleet.process(process))["state"]) != "ready":
        if time.monotonic() > until:
            raise OperatorError(
                "process.not_ready",
                f"{process} is {state} after {deadline_s:g} s.",
                mend=f"Look with: shopctl logs {process}.",
            )
        await asyncio.sleep(0.1)


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


async def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + CONFIRM_DEADLINE_S
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(PROBE_INTERVAL_S)
    return False
