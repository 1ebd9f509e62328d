"""Kill, pause and restart one process of the fleet, by name, through the supervisor.

A fault that did not bite is reported as unconfirmed, which makes a run INVALID: never assume that a signal hit.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil

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
    gone = await _until(lambda: not _same(before))
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
        stopped = await _until(lambda: psutil.Process(before["pid"]).status() == psutil.STATUS_STOPPED)
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
    """Wait until the supervisor calls the process ready. Raises TimeoutError."""
    async with asyncio.timeout(deadline_s):
        while (await fleet.process(process))["state"] != "ready":
            await asyncio.sleep(0.1)


def _same(record: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(record["pid"])
        return process.status() != psutil.STATUS_ZOMBIE and _ticks(process) == record["start_ticks"]
    except psutil.NoSuchProcess:
        return False


def _ticks(process: psutil.Process) -> int:
    with open(f"/proc/{process.pid}/stat") as stat:  # noqa: PTH123 the kernel's own table
        return int(stat.read().rpartition(")")[2].split()[19])


async def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + CONFIRM_DEADLINE_S
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(PROBE_INTERVAL_S)
    return False
