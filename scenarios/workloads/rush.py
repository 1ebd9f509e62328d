"""An ordinary day at a share of what this machine can do, then trouble, then the ordinary day again.

How much it can do is measured first, by visitors who come as fast as they are answered. After that they come when the
plan says so (open model): most look, some search, some look into their carts, a few buy; some hang up. The surge is
this workload's own trigger; faults wait for its signals.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from compose.operator_error import OperatorError
from scenarios.checkers.bounded_work import WORK
from scenarios.checkers.constant_queries import QUERIES
from scenarios.cues import Cues
from scenarios.evidence import Chart, Course, SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter, RecordType, WantedLine
from scenarios.resilience import CART, LOOK, SEARCH
from scenarios.workloads.client import Client
from scenarios.workloads.elbow_room import Given, given, squeezed
from scenarios.workloads.market import Article, Person, people, put_on_sale
from scenarios.workloads.open_model import first_served, play, raise_file_limit
from scenarios.workloads.requests import clear_cart, merge_cart, place_order
from scenarios.workloads.rush_probes import Asked, queries_of
from scenarios.workloads.rush_watch import Watch
from scenarios.workloads.workload import LoadReport

TROUBLE: Final = "trouble"
"""The signal at the end of the baseline: what is away goes away now."""
SURGE: Final = "surge"
"""The signal at the beginning of the surge, or of its time where there is none."""
HEIGHT: Final = "height"
"""The signal in the middle of it, when what was made slow is."""
HEIGHT_SHARE: Final = 0.25
MIX: Final = {LOOK: 70, SEARCH: 15, CART: 10, "buy": 5}
PRICE_MINOR: Final = 1_950
UNITS: Final = 100_000
ARTICLES: Final = 20
CART_LINES: Final = 3
OWN_PAUSE_S: Final = 0.1
LARGE: Final = 20
"""Orders and lines of somebody who buys much."""
HOT_SHARE: Final = 0.6
"""Of those who look, how many look at the same thing."""
DOUBLE_CLICK_SHARE: Final = 0.2
DECLINED_SHARE: Final = 0.05
HANG_UP_S_MAX: Final = 0.3
CARTS_AT_ONCE: Final = 16
LATE_S_MAX: Final = 2.0
SURGE_SHARE_MIN: Final = 0.9


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
    hoarders: tuple[Person, Person]
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
        few, many = await people(fleet, [f"{who}-{name.lower()}@rush.example" for who in ("few", "many")])
        return RushStage(
            fleet=fleet,
            parameters=parameters,
            seed=seed,
            name=name,
            skus=tuple(article.sku for article in articles),
            customers=tuple(await people(fleet, emails)),
            hoarders=(few, many),
            opened_at=opened_at,
        )

    async def play(self, stage: RushStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        with first_served():
            return await self._play(stage, history, cues)

    async def _play(self, stage: RushStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        parameters = stage.parameters
        async with Client.open(history, gateway_url=stage.fleet.gateway_url) as client:
            day = _Day(stage, client)
            await day.fill_carts()
            queries = await self._queries(stage, day)
            gateway = (await stage.fleet.process("gateway-1"))["pid"]
            begun = given(gateway, at=time.time())
            capacity = parameters.capacity_per_s or await day.capacity()
            measured = begun, given(gateway, at=time.time())
            watch = Watch(stage.fleet, history)
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
            calm: list[Given | None] = []
            signals = asyncio.create_task(
                _signal(cues, watch, marks, lambda: calm.append(given(gateway, at=time.time())))
            )
            async with watch.watching():
                load = (await play(arrivals, day.visit)).load
                await signals
                calm.append(given(gateway, at=time.time()))
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
            squeezed="" if parameters.capacity_per_s else squeezed(measured, (calm[0], calm[-1])),
        )
        return LoadReport(
            figures={
                **load.figures,
                "capacity_per_s": round(capacity, 1),
                "visits": day.visits,
                **day.surge_figures(stage.course, capacity),
            },
            measured={WORK: watch.work(day.visits_by_phase(marks), entries=ARTICLES), QUERIES: queries},
            charts=(day.chart(began_at),),
            problems=day.weaknesses(surge * parameters.surge_s, stage.course),
        )

    async def _queries(self, stage: RushStage, day: "_Day") -> dict[str, float]:
        """What lists of one and of many cost; the many belong to somebody who buys much."""
        if not stage.parameters.probe_s:
            return {}
        few, many = await day.hoarders()
        lists = (
            Asked("products", "catalog", "/products?category=lamps&limit={size}", few, many),
            Asked("orders", "orders", "/orders?limit={size}", few, many, OWN_PAUSE_S),
            Asked("cart", "catalog", "/cart", few, many, OWN_PAUSE_S),
        )
        return await queries_of(stage.fleet, lists, seconds=stage.parameters.probe_s)

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
        self._bought: list[tuple[float, bool]] = []
        self._stage = stage
        self._client = client
        self._chance = random.Random(stage.seed)

    async def fill_carts(self) -> None:
        """Everybody has a few things in the cart, each in numbers of his own, and nothing from another day."""
        places = asyncio.Semaphore(CARTS_AT_ONCE)

        async def fill(number: int, person: Person) -> None:
            async with places:
                await self._put(person, self._cart_of(number))

        await asyncio.gather(*(fill(number, person) for number, person in enumerate(self._stage.customers)))

    async def _put(self, person: Person, lines: tuple[WantedLine, ...]) -> None:
        """Make this the person's cart. Raises OperatorError (cart.refused) when the shop does not take it."""
        for request in (clear_cart(person), merge_cart(person, lines)):
            result = await self._client.insist(request)
            if result.type != "ok":
                raise OperatorError(
                    "cart.refused",
                    f"A visitor's cart could not be filled: {result.type}.",
                    mend="Look at the fleet: shopctl status.",
                )

    def _cart_of(self, number: int) -> tuple[WantedLine, ...]:
        """A cart like nobody else's: its quantities are the customer's number, and so its canary."""
        base = 1
        while base**CART_LINES < len(self._stage.customers):
            base += 1
        digits = ((number // base**place) % base for place in range(CART_LINES))
        return tuple(WantedLine(sku, 1 + digit) for sku, digit in zip(self._stage.skus, digits, strict=False))

    async def hoarders(self) -> tuple[Person, Person]:
        """Who has one thing in the cart and ordered once, and who has many and ordered often."""
        few, many = self._stage.hoarders
        for person, count in ((few, 1), (many, LARGE)):
            lines = tuple(WantedLine(sku, 1) for sku in self._stage.skus[:count])
            await self._put(person, lines)
            await asyncio.gather(*(self._orders(person, number) for number in range(count)))
        return few, many

    async def _orders(self, person: Person, number: int) -> None:
        key = f"{self._stage.name}-hoard-{number}"
        await self._client.insist(place_order(person, key=key, lines=(WantedLine(self._stage.skus[-1], 1),)))

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
        return await self._client.look(
            what,
            person.access_token,
            path,
            timeout_s=parameters.patience_s,
            is_mine=lambda content: self._belongs(content, what, sku=sku, number=number),
        )

    def _belongs(self, content: bytes, what: str, *, sku: str, number: int) -> bool:
        """Whether an answer shows what was asked for, and of whom."""
        if what == LOOK:
            return f'"{sku}"'.encode() in content
        return what != CART or _holds(content, self._cart_of(number % len(self._stage.customers)))

    async def _buys(self, person: Person, sku: str, key: str) -> RecordType:
        came_at = time.time()
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
        self._bought.append((came_at, any(result.type == "ok" for result in results)))
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

    def surge_figures(self, course: Course, capacity: float) -> dict[str, float]:
        """Good answers in the surge as a share of the capacity, and checkouts that came to an order."""
        seconds = course.surge_until - course.surge_at
        bought = [is_bought for at, is_bought in self._bought if course.surge_at <= at < course.surge_until]
        if not seconds or not bought:
            return {}
        well = sum(course.surge_at <= at < course.surge_until for at in self._well_at)
        return {
            "surge_goodput_of_capacity": round(well / (seconds * capacity), 3),
            "surge_checkout_success": round(sum(bought) / len(bought), 3),
        }

    def chart(self, began_at: float) -> Chart:
        """Who came and who was answered well, by the second in which they came."""
        curves = {"came": _per_second(self._came_at, began_at), "answered well": _per_second(self._well_at, began_at)}
        return Chart(title="Visitors", unit="per second", curves=curves)


async def _signal(cues: Cues, watch: Watch, marks: list[float], calm: Callable[[], None]) -> None:
    """The phases by their names, when their time has come."""
    steps: tuple[tuple[str, float, Callable[[], None]], ...] = (
        ("begin", marks[0], lambda: None),
        ("trouble", marks[1], lambda: cues.signal(TROUBLE)),
        ("surge", marks[2], lambda: cues.signal(SURGE)),
        ("height", marks[2] + HEIGHT_SHARE * (marks[3] - marks[2]), lambda: cues.signal(HEIGHT)),
        ("calm", marks[3], calm),
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


def _holds(content: bytes, lines: tuple[WantedLine, ...]) -> bool:
    """Whether a cart shows these lines; it may hold things of earlier runs beside them."""
    shown = msgspec.json.decode(content, type=_Shown).lines
    return {(line.sku, line.quantity) for line in lines} <= {(item.sku, item.quantity) for item in shown}


class _ShownLine(msgspec.Struct, frozen=True):
    sku: str
    quantity: int


class _Shown(msgspec.Struct, frozen=True):
    lines: tuple[_ShownLine, ...]
