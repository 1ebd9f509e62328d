"""A whole fleet of a benchmark's own, seeded, at rest, with the CPU it uses while nobody asks for anything."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from compose import launch
from compose.state import StackState
from loadtests.benchmarks.process_cpu import CpuSeconds, fleet_processes, spent, usage
from scenarios import seeding
from scenarios.fleet import Fleet
from scenarios.quiescence import quiesce

SEED = 1
REST_LIMIT_S = 120.0


class Idle(msgspec.Struct, frozen=True):
    """CPU seconds by process over so many seconds in which nobody asked for anything."""

    used: CpuSeconds
    seconds: float

    @property
    def percent_of_a_core(self) -> float:
        return sum(self.used.values()) / self.seconds * 100


@contextlib.asynccontextmanager
async def own_fleet(home: Path, *, port_base: int, size: str = "") -> AsyncGenerator[Fleet]:
    """A fleet on ports from `port_base`, seeded with `size` where one is given, stopped and deleted at the end."""
    try:
        await asyncio.to_thread(launch.up, home, port_base=port_base)
        async with Fleet.running(home) as fleet:
            if size:
                await seeding.seed(fleet, size=size, seed=SEED, report=lambda _name, _done, _of: None)
                await rest(fleet)
            yield fleet
    finally:
        await asyncio.to_thread(launch.down, home, wipe=True)


async def rest(fleet: Fleet) -> float:
    """Seconds until nothing of what was begun is open any more. Raises TimeoutError."""
    quiescence = await quiesce(fleet, since=time.time() - REST_LIMIT_S, deadline_s=REST_LIMIT_S)
    if not quiescence.reached:
        raise TimeoutError(f"the fleet did not come to rest: {quiescence.waits_for}")
    return quiescence.after_s


async def idle(stack: StackState, *, seconds: float) -> Idle:
    """What all of a fleet at rest uses over so many seconds."""
    before, began = fleet_cpu(stack), time.monotonic()
    await asyncio.sleep(seconds)
    return Idle(spent(before, fleet_cpu(stack)), time.monotonic() - began)


def fleet_cpu(stack: StackState) -> CpuSeconds:
    """CPU seconds so far of everything below the supervisor, by process."""
    return usage(fleet_processes(stack))
