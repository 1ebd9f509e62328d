"""What processes and the database server count of a day, at the marks between its phases and once a second."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from scenarios import counters
from scenarios.checkers.bounded_work import BOUND
from scenarios.checkers.promises_kept import ready_at
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.resilience import NEEDS

SAMPLE_EVERY_S: Final = 1.0
CONNECTIONS_MAX: Final = 12
"""Of one process to its database: both pools and what listens."""
AMPLIFICATION_MAX: Final = 1.2
RETRIED_MAX: Final = 2.0
"""The same of the calls of one service, which are so few that chance counts."""
AMPLIFIED: Final = ("orders", "catalog", "inventory")
CALLER: Final = "orders"
"""Who calls most others on the way of a visitor."""
LOST_MAX: Final = 0.2
"""Calls per visit that go into a service that does not answer: those until its breaker opens, and probes."""
LOADS_MAX: Final = 1.5
"""Per entry of the cache that was forgotten, over all processes."""
HELD_MAX: Final = 2
"""Transactions of one service that wait for something else than the database at one moment."""
BLOCKED_SHARE_MAX: Final = 0.01
"""Of the looks at a loop: those for which it was not free within LOOP_LAG_S by its own doing, so p99 is below that."""
DISAGREEMENT_S_MAX: Final = 3.0
"""Two seconds for breakers to agree, and the one between two looks."""


class Watch:
    """Open it for the time of the load; `work` is known after the marks begin, trouble, surge, calm and end."""

    def __init__(self, fleet: Fleet, history: HistoryWriter) -> None:
        self._fleet = fleet
        self._history = history
        self._marks: dict[str, counters.Counted] = {}
        self._connections_max: dict[str, int] = {}
        self._held_max: dict[str, int] = {}
        self._disagreed_s: Counter[str] = Counter()
        self._disagreed_s_max: dict[str, float] = {}

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def mark(self, name: str) -> None:
        self._marks[name] = await counters.counted(self._fleet)

    def work(self, visits: dict[str, int], *, entries: int) -> dict[str, float]:
        """With their bounds: per visit of the surge against one of the baseline; loads per entry of the cache that is
        forgotten in the surge; connections and transactions at their most; how long breakers disagreed; blocked loops.
        """
        found: dict[str, float] = {}
        for process, count in self._connections_max.items():
            found |= _bounded(f"connections of {process}", count, at_most=CONNECTIONS_MAX)
        before = self._marks["trouble"].since(self._marks["begin"])
        during = self._marks["calm"].since(self._marks["surge"])
        for service in AMPLIFIED:
            name = f"{service} http_requests"
            if before.get(name) and visits["baseline"] and visits["surge"]:
                usual = before[name] / visits["baseline"]
                now = during.get(name, 0.0) / visits["surge"]
                found |= _bounded(
                    f"requests at {service} per visit, as a multiple", round(now / usual, 2), at_most=AMPLIFICATION_MAX
                )
        loads = during.get("catalog cache_loads", 0.0)
        found |= _bounded("loads per product forgotten", round(loads / entries, 2), at_most=LOADS_MAX)
        away = self._marks["surge"].since(self._marks["trouble"])
        calls = f"{CALLER} remote_calls"
        if before.get(calls) and visits["baseline"] and visits["away"]:
            multiple = (away.get(calls, 0.0) / visits["away"]) / (before[calls] / visits["baseline"])
            found |= _bounded(
                f"calls of {CALLER} per visit in the trouble, as a multiple", round(multiple, 2), at_most=RETRIED_MAX
            )
        for name, lost in away.items():
            service, _, what = name.partition(" ")
            if what == counters.CALLS_LOST and visits["away"]:
                found |= _bounded(
                    f"calls per visit in the trouble that {service} did not answer",
                    round(lost / visits["away"], 2),
                    at_most=LOST_MAX,
                )
        for service, count in self._held_max.items():
            found |= _bounded(f"transactions of {service} that wait for others", count, at_most=HELD_MAX)
        for target, seconds in self._disagreed_s_max.items():
            found |= _bounded(f"seconds of disagreement about {target}", seconds, at_most=DISAGREEMENT_S_MAX)
        found |= self._blocked()
        return found

    def _blocked(self) -> dict[str, float]:
        """The share of looks for which a service's loop was not free, by its own doing."""
        found: dict[str, float] = {}
        counted = self._marks["end"].since(self._marks["begin"])
        for name, looks in counted.items():
            service, _, what = name.partition(" ")
            if what == "loop_looks" and looks > 0:
                share = counted.get(f"{service} loop_blocked", 0.0) / looks
                found |= _bounded(
                    f"share of time in which the loop of {service} is blocked",
                    round(share, 4),
                    at_most=BLOCKED_SHARE_MAX,
                )
        return found

    async def _look(self) -> None:
        while True:
            for name, count in (await counters.connections(self._fleet)).items():
                process = name.partition(":")[0]
                self._connections_max[process] = max(count, self._connections_max.get(process, 0))
            for name, count in (await counters.held(self._fleet)).items():
                service = name.rpartition("-")[0]
                self._held_max[service] = max(count, self._held_max.get(service, 0))
            await self._compare_breakers()
            await asyncio.gather(*(self._is_ready(service) for services in NEEDS.values() for service in services))
            await asyncio.sleep(SAMPLE_EVERY_S)

    async def _is_ready(self, service: str) -> None:
        """What a service says of itself, as an operation of the history."""
        invocation = self._history.invoke(self._history.new_process(), ready_at(service))
        try:
            limit = aiohttp.ClientTimeout(total=2.0)
            async with self._fleet.http.get(f"{self._fleet.url(service)}/health/ready", timeout=limit) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._history.info(invocation, error=type(error).__name__)
            return
        if status == 200:
            self._history.ok(invocation)
        else:
            self._history.fail(invocation, error=str(status))

    async def _compare_breakers(self) -> None:
        """How long, from look to look, those who ask a breaker have not been of one mind about it."""
        modes: dict[str, set[float]] = {}
        for process in await counters.breakers(self._fleet):
            for target, mode in process.items():
                modes.setdefault(target, set()).add(mode)
        for target, found in modes.items():
            self._disagreed_s[target] = self._disagreed_s[target] + 1 if len(found) > 1 else 0
            seconds = self._disagreed_s[target] * SAMPLE_EVERY_S
            self._disagreed_s_max[target] = max(seconds, self._disagreed_s_max.get(target, 0.0))


def _bounded(name: str, value: float, *, at_most: float) -> dict[str, float]:
    """A figure and the most that it may be, as INV-19 reads them."""
    return {name: value, f"{name}{BOUND}": at_most}
