"""Kill and pause one process of the fleet, by name, through the supervisor."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
import psutil

from compose.operator_error import OperatorError
from compose.process import is_same
from scenarios.faults.fault import Injected
from scenarios.fleet import Fleet

CONFIRM_DEADLINE_S: Final = 10.0
PROBE_INTERVAL_S: Final = 0.02
READY_DEADLINE_S: Final = 60.0


class Kill(msgspec.Struct, frozen=True):
    """SIGKILL; confirmed when the pid is gone. The supervisor starts the process again: healed when it is ready."""

    target: str

    @property
    def name(self) -> str:
        return "kill"

    async def inject(self, fleet: Fleet) -> Injected:
        before = await fleet.process(self.target)
        await fleet.supervise("signal", process=self.target, signal="KILL")
        gone = await _until(lambda: not is_same(before["pid"], before["start_ticks"]))

        async def heal() -> None:
            await wait_ready(fleet, self.target)

        return Injected(confirmed=gone, probe=f"pid {before['pid']} is gone", heal=heal)


class Pause(msgspec.Struct, frozen=True):
    """SIGSTOP; confirmed when the kernel says that the process is stopped. Healed by SIGCONT."""

    target: str

    @property
    def name(self) -> str:
        return "pause"

    async def inject(self, fleet: Fleet) -> Injected:
        before = await fleet.process(self.target)

        async def heal() -> None:
            if is_same(before["pid"], before["start_ticks"]):
                await fleet.supervise("signal", process=self.target, signal="CONT")
            await wait_ready(fleet, self.target)

        await fleet.supervise("signal", process=self.target, signal="STOP")
        try:
            stopped = await _until(lambda: _is_stopped(before["pid"]))
        except BaseException:
            await heal()
            raise
        return Injected(confirmed=stopped, probe=f"pid {before['pid']} is stopped", heal=heal)


async def wait_ready(fleet: Fleet, process: str, *, deadline_s: float = READY_DEADLINE_S) -> None:
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
