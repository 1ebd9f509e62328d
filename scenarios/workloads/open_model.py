"""The engine of open workloads: arrivals come when the plan says so, whether or not earlier ones are answered.

It watches itself: a generator that starts its clients late is the bottleneck, and the run is then too weak to judge.
"""

import asyncio
import gc
import os
import resource
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress

import msgspec

from scenarios.workloads.workload import LoadReport

IN_FLIGHT_MAX = 12_000
NICE = -10
LATENESS_MS_P99_MAX = 1_000.0
"""A client that starts late makes the rush denser, not weaker; beyond a second it is another rush than the plan's."""


class EngineReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the generator itself did: lateness is actual minus planned start; CPU is this process's share of one core."""

    arrivals: int
    in_flight_max: int
    lateness_ms_p50: float
    lateness_ms_p99: float
    cpu_share: float
    seconds: float

    @property
    def kept_up(self) -> bool:
        """Whether the load was what the plan said."""
        return self.lateness_ms_p99 <= LATENESS_MS_P99_MAX and self.in_flight_max < IN_FLIGHT_MAX

    @property
    def load(self) -> LoadReport:
        """What the runner is told."""
        late = f"the load generator was the bottleneck: clients started {self.lateness_ms_p99:.0f} ms late (p99)"
        return LoadReport(figures=msgspec.structs.asdict(self), problems=() if self.kept_up else (late,))


async def play(arrivals_s: Iterable[float], client: Callable[[int], Awaitable[None]]) -> EngineReport:
    """Start client i at arrivals_s[i] seconds from now and wait for all to end.

    What lives before the load is left alone by the garbage collector, who would else stop the clients for a second on
    a busy machine. `arrivals_s` ascends, and may decide as it goes when to end. More than `IN_FLIGHT_MAX` at once wait,
    which the report shows.
    """
    places = asyncio.Semaphore(IN_FLIGHT_MAX)
    lateness: list[float] = []
    in_flight = in_flight_max = 0
    loop = asyncio.get_running_loop()
    started = loop.time()
    cpu_started = time.process_time()

    async def run(index: int) -> None:
        nonlocal in_flight, in_flight_max
        in_flight += 1
        in_flight_max = max(in_flight_max, in_flight)
        try:
            await client(index)
        finally:
            in_flight -= 1
            places.release()

    gc.freeze()
    try:
        async with asyncio.TaskGroup() as group:
            for index, arrival_s in enumerate(arrivals_s):
                delay = started + arrival_s - loop.time()
                if delay > 0:
                    await asyncio.sleep(delay)
                await places.acquire()
                lateness.append((loop.time() - started - arrival_s) * 1000)
                group.create_task(run(index))
    finally:
        gc.unfreeze()
    seconds = loop.time() - started
    lateness.sort()
    return EngineReport(
        arrivals=len(lateness),
        in_flight_max=in_flight_max,
        lateness_ms_p50=round(_percentile(lateness, 0.50), 2),
        lateness_ms_p99=round(_percentile(lateness, 0.99), 2),
        cpu_share=round((time.process_time() - cpu_started) / max(seconds, 0.001), 3),
        seconds=round(seconds, 2),
    )


def raise_file_limit(wanted: int = 65_536) -> None:
    """Every client in flight is a socket; use what the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@contextmanager
def first_served() -> Generator[None]:
    """The clients before the fleet that they load and whatever else runs here, where the system lets them."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


def _percentile(ascending: Sequence[float], share: float) -> float:
    if not ascending:
        return 0.0
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]
