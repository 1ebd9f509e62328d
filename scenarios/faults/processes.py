"""Kill, pause and restart one process of the fleet, by name, through the supervisor; or have one die at a point."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import msgspec
import psutil

from compose.operator_error import OperatorError
from compose.process import is_same
from scenarios.faults import controls
from scenarios.faults.fault import FaultValue, Injected, until
from scenarios.faults.sessions import superuser
from scenarios.fleet import Fleet
from shared import crash_points
from shared.crash_points import Point
from shared.outbox import RELAY_LOCK

READY_DEADLINE_S: Final = 60.0
READY_INTERVAL_S: Final = 0.1

_RELAYS: Final = """
    SELECT split_part(application_name, ':', 1) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objid = $2::bigint::oid AND datname = $1
    AND database = (SELECT oid FROM pg_database WHERE datname = $1)
"""


class _OfOneProcess(FaultValue, frozen=True):
    async def heal(self, fleet: Fleet) -> None:
        await wait_ready(fleet, self.target)


class Kill(_OfOneProcess, frozen=True, tag="kill"):
    """SIGKILL one process; the supervisor starts it again, and it is healed when it is ready."""

    lasting: ClassVar[bool] = False

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        before = await fleet.process(self.target)
        await fleet.supervise("signal", process=self.target, signal="KILL")

        async def is_gone() -> bool:
            """And the supervisor knows, who would else call it ready still."""
            return not is_same(before["pid"], before["start_ticks"]) and (
                (await fleet.process(self.target))["pid"] != before["pid"]
            )

        return await until(is_gone), f"pid {before['pid']} is gone"


@dataclass(frozen=True)
class KillForkParent:
    """SIGKILL the process that services and world are forked from: each of them dies with it, and all come back.

    Not to be injected by hand: the keeper of such a fault would die with it.
    """

    target: str = "fork-parent"
    name: str = "kill"

    async def inject(self, fleet: Fleet) -> Injected:
        """Raises OperatorError (process.down) when nothing is forked now."""
        before = {it["name"]: it for it in await fleet.processes() if it["kind"] != "engine" and it["pid"] is not None}
        if not before:
            raise OperatorError("process.down", "Nothing is forked now.", mend="Look with: shopctl status.")
        parent = psutil.Process(next(iter(before.values()))["pid"]).ppid()
        os.kill(parent, signal.SIGKILL)

        async def all_are_gone() -> bool:
            now = {it["name"]: it["pid"] for it in await fleet.processes()}
            return not any(now.get(name) == it["pid"] for name, it in before.items())

        async def heal() -> None:
            for name in before:
                await wait_ready(fleet, name)

        gone = await until(all_are_gone)
        return Injected(confirmed=gone, probe=f"pid {parent} is gone, and {len(before)} with it", heal=heal)


class KillRelay(FaultValue, frozen=True, tag="kill-relay"):
    """SIGKILL the process of a service whose relay is at its outbox, whichever of its instances that is."""

    lasting: ClassVar[bool] = False

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        process = ""

        async def somebody_relays() -> bool:
            nonlocal process
            async with superuser(fleet, "postgres") as connection:
                process = await connection.fetchval(_RELAYS, self.target, RELAY_LOCK) or ""
            return bool(process)

        if not await until(somebody_relays):
            return False, f"nobody relays the events of {self.target}"
        gone, probe = await Kill(process).bite(fleet)
        return gone, f"{process}, {probe}"

    async def heal(self, fleet: Fleet) -> None:
        for process in await fleet.processes():
            if process["component"] == self.target:
                await wait_ready(fleet, process["name"])


class KillAt(FaultValue, frozen=True, tag="kill-at"):
    """The next process of a service whose work reaches a point is gone there, as by SIGKILL; it is started again."""

    point: Point = "after-call"
    work: str = "charge_payments"

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        await self._all_ready(fleet)
        before = await fleet.instances(self.target)
        await self._die_at(fleet, crash_points.name_of(self.work, self.point))
        dead = ""

        async def one_is_gone() -> bool:
            nonlocal dead
            now = {process["name"]: process["pid"] for process in await fleet.processes()}
            dead = next((old["name"] for old in before if now.get(old["name"]) != old["pid"]), "")
            return bool(dead)

        bit = await until(one_is_gone)
        await self._die_at(fleet, crash_points.NOWHERE)
        return bit, f"{dead or 'nobody'} died {self.point.replace('-', ' ')} of {self.work}"

    async def heal(self, fleet: Fleet) -> None:
        await self._die_at(fleet, crash_points.NOWHERE)
        await self._all_ready(fleet)

    async def _all_ready(self, fleet: Fleet) -> None:
        """Every process of the service. Raises OperatorError (process.unknown, process.not_ready)."""
        names = [process["name"] for process in await fleet.processes() if process["component"] == self.target]
        if not names:
            raise OperatorError(
                "process.unknown", f"There is no process of {self.target!r}.", mend="shopctl status names them."
            )
        for name in names:
            await wait_ready(fleet, name)

    async def _die_at(self, fleet: Fleet, point: str) -> None:
        await controls.change(fleet, self.target, partial(msgspec.structs.replace, dies_at=point))


class Pause(_OfOneProcess, frozen=True, tag="pause"):
    """SIGSTOP one process, an engine too; SIGCONT heals."""

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        before = await fleet.process(self.target)
        await fleet.supervise("signal", process=self.target, signal="STOP")

        async def is_stopped() -> bool:
            return bool((await fleet.process(self.target))["paused"])

        return await until(is_stopped), f"pid {before['pid']} is stopped"

    async def heal(self, fleet: Fleet) -> None:
        process = await fleet.process(self.target)
        if process["pid"] is not None:
            await fleet.supervise("signal", process=self.target, signal="CONT")
        await wait_ready(fleet, self.target)


class Restart(_OfOneProcess, frozen=True, tag="restart"):
    """Stop one process in order and start it again."""

    lasting: ClassVar[bool] = False

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        before = await fleet.process(self.target)
        await fleet.supervise("restart", target=self.target)
        after = await fleet.process(self.target)
        return after["pid"] != before["pid"], f"pid {before['pid']} became {after['pid']}"


async def wait_ready(fleet: Fleet, process: str, *, deadline_s: float = READY_DEADLINE_S) -> None:
    """Wait until the supervisor calls the process ready. Raises OperatorError (process.not_ready)."""
    end = time.monotonic() + deadline_s
    while (state := (await fleet.process(process))["state"]) != "ready":
        if time.monotonic() > end:
            raise OperatorError(
                "process.not_ready",
                f"{process} is {state} after {deadline_s:g} s.",
                mend=f"Look with: shopctl logs {process}.",
            )
        await asyncio.sleep(READY_INTERVAL_S)
