"""An ordinary day at a share of what this machine can do, then trouble, then the ordinary day again.

How much it can do is measured first, by visitors who come as fast as they are answered. After that they come when the
plan says so (open model): most look, some search, some look into their carts, a few buy; some hang up. The surge is
this workload's own trigger; faults wait for its signals.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Meta

from scenarios import counters
from scenarios.checkers.bounded_work import BOUND, WORK
from scenarios.checkers.constant_queries import QUERIES
from scenarios.checkers.promises_kept import ready_at
from scenarios.cues import Cues
from scenarios.evidence import Chart, Course, SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter, RecordType, WantedLine
from scenarios.resilience import CART, LOOK, NEEDS, SEARCH
from scenarios.workloads.client import Client
from scenarios.workloads.market import Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import merge_cart, place_order
from scenarios.workloads.workload import LoadReport

TROUBLE: Final = "trouble"
"""The signal at the end of the baseline: what is away goes away now."""
SURGE: Final = "surge"
"""The signal at the beginning of the surge, or of its time where there is none."""
MIX: Final = {LOOK: 70, SEARCH: 15, CART: 10, "buy": 5}
PRICE_MINOR: Final = 1_950
UNITS: Final = 100_000
ARTICLES: Final = 20
CART_LINES: Final = 3
HOT_SHARE: Final = 0.6
"""Of those who look, how many look at the same thing."""
DOUBLE_CLICK_SHARE: Final = 0.2
DECLINED_SHARE: Final = 0.05
HANG_UP_S_MAX: Final = 0.3
SAMPLE_EVERY_S: Final = 1.0
PROBE_READERS: Final = 2
PROBE_LARGE: Final = 20
CARTS_AT_ONCE: Final = 16
LATE_S_MAX: Final = 2.0
SURGE_SHARE_MIN: Final = 0.9

CONNECTIONS_MAX: Final = 12
"""Of one process to its database: both pools and what listens."""
AMPLIFICATION_MAX: Final = 1.2
AMPLIFIED: Final = ("orders", "catalog", "inventory")
LOADS_MAX: Final = 1.5
"""Per entry of the cache that was forgotten, over all processes."""


class RushParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rush; rates are visitors in a second."""

    calibrate_s: Annotated[float, Meta(ge=2, le=300, description="seconds in which the capacity is measured")] = 6.0
    probe_s: Annotated[float, Meta(ge=0, le=60, description="seconds for which lists are asked for, per size")] = 2.5
    capacity_per_s: Annotated[float, Meta(ge=0, le=100_000, description="the capacity, if not to be measured")] = 0.0
    load: Annotated[float, Meta(ge=0.05, le=1.0, description="the ordinary day as a share of the capacity")] = 0.6
    baseline_s: Annotated[float, Meta(ge=3, le=3_600, description="seconds of the ordinary day before")] = 8.0
    away_s: Annotated[float, Meta(ge=0, le=600, description="seconds in which something is away, before the surge")] = (
        7.0
    )
    surge: Annotated[
        float, Meta(ge=0, le=20, description="visitors during the surge, as a multiple of the capacity")
    ] = 2.5
    surge_s: Annotated[float, Meta(ge=0, le=600, description="seconds of the surge")] = 8.0
    after_s: Annotated[float, Meta(ge=5, le=3_600, description="seconds of the ordinary day after")] = 15.0
    recovery_s_max: Annotated[float, Meta(ge=1, le=600, description="seconds in which it must be as before")] = 30.0
    good_within_s: Annotated[float, Meta(ge=0.05, le=30, description="seconds in which a good answer comes")] = 2.0
    patience_s: Annotated[float, Meta(ge=0.1, le=60, description="seconds after which a visitor leaves")] = 4.0
    hang_up_share: Annotated[float, Meta(ge=0, le=1, description="visitors who hang up")] = 0.1
    customers: Annotated[int, Meta(ge=1, le=5_000, description="people who come in turn")] = 200
    workers: Annotated[int, Meta(ge=1, le=500, description="visitors at once while the capacity is measured")] = 24


class RushStage(msgspec.Struct, kw_only=True):
    """`course` and `capacity_per_s` are known once it was played."""

    fleet: Fleet
    parameters: RushParameters
    seed: int
    name: str
    skus: tuple[str, ...]
    customers: tuple[Person, ...]
    opened_at: float
    course: Course | None = None
    measured: dict[str, dict[str, float]] = {}


class Rush:
    """The workload of incident 05."""

    async def prepare(self, fleet: Fleet, parameters: RushParameters, *, seed: int) -> RushStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        articles = [
            Article(
                sku=f"RUSH-{n:02}-{name}",
                title=f"Rush lamp {n:02}",
                category="lamps",
                price_minor=PRICE_MINOR,
                units=UNITS,
            )
            for n in range(ARTICLES)
        ]
        await asyncio.gather(*(put_on_sale(fleet, article) for article in articles))
        emails = [f"rush-{n:05}@rush.example" for n in range(parameters.customers)]
        return RushStage(
            fleet=fleet,
            parameters=parameters,
            seed=seed,
            name=name,
            skus=tuple(article.sku for article in articles),
            customers=tuple(await people(fleet, emails)),
            opened_at=opened_at,
        )

    async def play(self, stage: RushStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        parameters = stage.parameters
        async with Client.open(history, gateway_url=stage.fleet.gateway_url) as client:
            day = _Day(stage, client)
            await day.fill_carts()
            queries = await _queries(stage)
            capacity = parameters.capacity_per_s or await day.capacity()
            watch = _Watch(stage.fleet, history)
            base = parameters.load * capacity
            surge = parameters.surge * capacity or base
            segments = (
                (parameters.baseline_s, base),
                (parameters.away_s, base),
                (parameters.surge_s, surge),
                (parameters.after_s, base),
            )
            arrivals = _arrivals(segments)
            began_at = time.time()
            marks = [began_at + sum(s for s, _ in segments[:n]) for n in range(len(segments) + 1)]
            signals = asyncio.create_task(_signal(cues, watch, marks))
            async with watch.watching():
                load = (await play(arrivals, day.visit)).load
                await signals
                await watch.mark("end")
            cues.done(1.0)
        stage.course = Course(
            baseline_at=marks[0],
            baseline_until=marks[1],
            surge_at=marks[2],
            surge_until=marks[3] if parameters.surge_s else marks[2],
            ended_at=marks[4],
            good_within_s=parameters.good_within_s,
            recovery_s_max=parameters.recovery_s_max,
        )
        return LoadReport(
            figures={**load.figures, "capacity_per_s": round(capacity, 1), "visits": day.visits},
            measured={WORK: watch.work(day.visits_by_phase(marks)), QUERIES: queries},
            charts=(day.chart(began_at),),
            problems=day.weaknesses(surge * parameters.surge_s, stage.course),
        )

    def facts(self, stage: RushStage, report: LoadReport) -> WorkloadFacts:
        at = stage.opened_at
        return WorkloadFacts(
            skus=list(stage.skus),
            supply=[SupplyStep(sku, UNITS, at, at, opening=True) for sku in stage.skus],
            charts=list(report.charts),
            course=stage.course,
        )


class _Day:
    """The visitors under way."""

    def __init__(self, stage: RushStage, client: Client) -> None:
        self.visits = 0
        self._came_at: list[float] = []
        self._well_at: list[float] = []
        self._stage = stage
        self._client = client
        self._chance = random.Random(stage.seed)

    async def fill_carts(self) -> None:
        """Everybody has a few things in the cart, as people have."""
        places = asyncio.Semaphore(CARTS_AT_ONCE)
        lines = tuple(WantedLine(sku, 1) for sku in self._stage.skus[:CART_LINES])

        async def fill(person: Person) -> None:
            async with places:
                await self._client.insist(merge_cart(person, lines))

        await asyncio.gather(*(fill(person) for person in self._stage.customers))

    async def capacity(self) -> float:
        """Visits in a second when everybody comes again as soon as the answer is there; the first third warms up."""
        seconds = self._stage.parameters.calibrate_s
        loop = asyncio.get_running_loop()
        began = loop.time()
        warm, done = began + seconds / 3, 0

        async def again_and_again() -> None:
            nonlocal done
            while loop.time() < began + seconds:
                await self.visit(self.visits)
                done += loop.time() > warm

        await asyncio.gather(*(again_and_again() for _ in range(self._stage.parameters.workers)))
        return done / (seconds * 2 / 3)

    async def visit(self, number: int) -> None:
        """One request of one visitor."""
        self.visits += 1
        came_at, came = time.time(), time.monotonic()
        self._came_at.append(came_at)
        outcome = await self._visit(number, f"{self._stage.name}-{self.visits}")
        if outcome == "ok" and time.monotonic() - came <= self._stage.parameters.good_within_s:
            self._well_at.append(came_at)

    async def _visit(self, number: int, key: str) -> RecordType:
        parameters, chance = self._stage.parameters, self._chance
        person = self._stage.customers[number % len(self._stage.customers)]
        (what,) = chance.choices(tuple(MIX), weights=tuple(MIX.values()))
        sku = self._stage.skus[0] if chance.random() < HOT_SHARE else chance.choice(self._stage.skus)
        path = {LOOK: f"/products/{sku.lower()}", SEARCH: "/search?q=rush%20lamp", CART: "/cart"}.get(what)
        if path is None:
            return await self._buys(person, sku, key)
        if chance.random() < parameters.hang_up_share:
            await self._client.hang_up(person.access_token, path, after_s=chance.uniform(0.0, HANG_UP_S_MAX))
            return "info"
        return await self._client.look(what, person.access_token, path, timeout_s=parameters.patience_s)

    async def _buys(self, person: Person, sku: str, key: str) -> RecordType:
        declined = self._chance.random() < DECLINED_SHARE
        request = place_order(
            person,
            key=key,
            lines=(WantedLine(sku, 1),),
            payment_method="tok_declined" if declined else "tok_visa",
        )
        patience_s = self._stage.parameters.patience_s
        clicks = 2 if self._chance.random() < DOUBLE_CLICK_SHARE else 1
        results = await asyncio.gather(
            *(self._client.insist(request, first_timeout_s=patience_s, attempts_max=1) for _ in range(clicks))
        )
        return results[0].type

    def visits_by_phase(self, marks: list[float]) -> dict[str, int]:
        """How many came between the marks."""
        names = ("baseline", "away", "surge", "after")
        return {
            name: sum(from_at <= at < until_at for at in self._came_at)
            for name, from_at, until_at in zip(names, marks, marks[1:], strict=False)
        }

    def weaknesses(self, planned: float, course: Course) -> tuple[str, ...]:
        """Why the surge was none. One that comes a little late is denser; one of which a part never came is another."""
        came = sum(course.surge_at <= at < course.surge_until + LATE_S_MAX for at in self._came_at)
        if not planned or came >= SURGE_SHARE_MIN * planned:
            return ()
        return (f"the load generator was the bottleneck: {came} of {planned:.0f} visitors of the surge came in time",)

    def chart(self, began_at: float) -> Chart:
        """Who came and who was answered well, by the second in which they came."""
        curves = {"came": _per_second(self._came_at, began_at), "answered well": _per_second(self._well_at, began_at)}
        return Chart(title="Visitors", unit="per second", curves=curves)


class _Watch:
    """What processes and database count, at the marks between the phases and once a second."""

    def __init__(self, fleet: Fleet, history: HistoryWriter) -> None:
        self._fleet = fleet
        self._history = history
        self._marks: dict[str, counters.Counted] = {}
        self._connections_max: dict[str, int] = {}

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

    def work(self, visits: dict[str, int]) -> dict[str, float]:
        """Per visit of the surge against one of the baseline; connections at their most; with their bounds."""
        found: dict[str, float] = {}
        for process, count in self._connections_max.items():
            found[f"connections of {process}"] = count
            found[f"connections of {process}{BOUND}"] = CONNECTIONS_MAX
        before = self._marks["trouble"].since(self._marks["begin"])
        during = self._marks["calm"].since(self._marks["surge"])
        for service in AMPLIFIED:
            name = f"{service} http_requests"
            if before.get(name) and visits["baseline"] and visits["surge"]:
                usual = before[name] / visits["baseline"]
                now = during.get(name, 0.0) / visits["surge"]
                found[f"requests at {service} per visit, as a multiple"] = round(now / usual, 2)
                found[f"requests at {service} per visit, as a multiple{BOUND}"] = AMPLIFICATION_MAX
        loads = during.get("catalog cache_loads", 0.0)
        found["loads per product forgotten"] = round(loads / ARTICLES, 2)
        found[f"loads per product forgotten{BOUND}"] = LOADS_MAX
        return found

    async def _look(self) -> None:
        while True:
            for name, count in (await counters.connections(self._fleet)).items():
                process = name.partition(":")[0]
                self._connections_max[process] = max(count, self._connections_max.get(process, 0))
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


async def _signal(cues: Cues, watch: _Watch, marks: list[float]) -> None:
    """The phases by their names, when their time has come."""
    steps: tuple[tuple[str, float, Callable[[], None]], ...] = (
        ("begin", marks[0], lambda: None),
        ("trouble", marks[1], lambda: cues.signal(TROUBLE)),
        ("surge", marks[2], lambda: cues.signal(SURGE)),
        ("calm", marks[3], lambda: None),
    )
    for name, at, tell in steps:
        await asyncio.sleep(max(0.0, at - time.time()))
        await watch.mark(name)
        tell()


def _arrivals(segments: tuple[tuple[float, float], ...]) -> list[float]:
    """At a constant rate within each segment of so many seconds."""
    moments: list[float] = []
    began = 0.0
    for seconds, rate in segments:
        count = int(seconds * rate)
        moments.extend(began + number / rate for number in range(count))
        began += seconds
    return moments


def _per_second(moments: list[float], began_at: float) -> list[tuple[float, float]]:
    counts = Counter(int(at - began_at) for at in moments if at >= began_at)
    return [(float(second), float(counts[second])) for second in range(max(counts, default=0) + 1)]


async def _queries(stage: RushStage) -> dict[str, float]:
    """Transactions per request of the product list, asked for one at a time and many at a time."""
    seconds = stage.parameters.probe_s
    if not seconds:
        return {}
    found: dict[str, float] = {}
    for size in (1, PROBE_LARGE):
        before = await counters.transactions(stage.fleet, "catalog")
        until = asyncio.get_running_loop().time() + seconds
        asked = sum(await asyncio.gather(*(_read_lists(stage, size, until=until) for _ in range(PROBE_READERS))))
        after = await counters.transactions(stage.fleet, "catalog")
        found[f"products: {size}"] = round((after - before) / max(1, asked), 2)
    return found


async def _read_lists(stage: RushStage, size: int, *, until: float) -> int:
    """Ask for one list after the other until that moment of the loop's clock; gives how many were answered."""
    url = f"{stage.fleet.gateway_url}/api/v1/products?category=lamps&limit={size}"
    headers = {"Authorization": f"Bearer {stage.customers[0].access_token}"}
    answered = 0
    while asyncio.get_running_loop().time() < until:
        async with stage.fleet.http.get(url, headers=headers) as answer:
            await answer.read()
            answered += answer.status == 200
    return answered
