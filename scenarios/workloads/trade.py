"""An ordinary day: visitors come at a constant rate, look, search, buy, and wait for charge, parcel and mail.

Each of these is a journey, one operation of the history. Between two pauses every journey was seen to work; the
workload signals them, so that a fault which waits for one strikes a shop that has recovered from the fault before.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from scenarios.cues import Cues
from scenarios.evidence import SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import PLACE_ORDER, HistoryWriter, OrderAnswer, WantedLine
from scenarios.seeding import PASSWORD
from scenarios.workloads.client import Client
from scenarios.workloads.market import CURRENCY, Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import cancel_order, place_order, refund
from scenarios.workloads.workload import LoadReport

LOOK: Final = "look"
SEARCH: Final = "search"
WHO_AM_I: Final = "who_am_i"
CHARGED: Final = "charged"
SHIPPED: Final = "shipped"
TOLD: Final = "told"
COUNTED: Final = "counted"
JOURNEYS: Final = (LOOK, SEARCH, WHO_AM_I, PLACE_ORDER, CHARGED, SHIPPED, TOLD, COUNTED)
"""What visitors do, by the names that it has in the history."""

REGULAR: Final = "regular@trade.example"
PRICE_MINOR: Final = 2_450
GOODWILL_MINOR: Final = 300
QUANTITY_MAX: Final = 2
UNITS: Final = 10_000
PATIENCE_S: Final = 20.0
PULSE_S: Final = 0.1
BITES_WITHIN_S: Final = 1.0
"""What began so soon after a pause may have been served before the fault bit, and proves nothing."""
Shows = Callable[[Any], bool]
ON_ITS_WAY: Final = frozenset({"handed_over", "in_transit", "delivered"})


class TradeParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One day; shares are of all orders."""

    pauses: Annotated[int, Meta(ge=1, le=1_000, description="pauses after the last of which the day ends")]
    pause_s: Annotated[float, Meta(ge=1, le=600, description="seconds between two pauses at least")] = 4.0
    pause_s_max: Annotated[float, Meta(ge=1, le=600, description="seconds until a pause is given up")] = 90.0
    visitors_per_s: Annotated[float, Meta(ge=0.1, le=50, description="visitors who come in a second")] = 2.0
    customers: Annotated[int, Meta(ge=1, le=10_000, description="people who come in turn")] = 120
    double_click_share: Annotated[
        float, Meta(ge=0, le=1, description="orders sent twice at the same moment under one key")
    ] = 0.2
    declined_share: Annotated[float, Meta(ge=0, le=1, description="orders whose card is declined")] = 0.05
    cancel_share: Annotated[float, Meta(ge=0, le=1, description="orders cancelled once they were charged")] = 0.05
    refund_share: Annotated[float, Meta(ge=0, le=1, description="orders paid back in part once they were charged")] = (
        0.05
    )


class TradeStage(msgspec.Struct, frozen=True, kw_only=True):
    """`regular` is somebody who is signed in; `opened_at` is epoch seconds."""

    parameters: TradeParameters
    seed: int
    gateway_url: str
    name: str
    sold: Article
    customers: tuple[Person, ...]
    support: Person
    regular: Person
    opened_at: float


def pause(number: int) -> str:
    """The signal of a pause, counted from 1."""
    return f"pause {number}"


class Trade:
    """The workload of a soak."""

    async def prepare(self, fleet: Fleet, parameters: TradeParameters, *, seed: int) -> TradeStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        sold = Article(
            sku=f"MUG-{name}",
            title=f"Mug {name[-8:]}",
            category="household",
            price_minor=PRICE_MINOR,
            currency=CURRENCY,
            units=UNITS,
        )
        await put_on_sale(fleet, sold)
        customers = await people(fleet, [f"customer-{n:05}@trade.example" for n in range(parameters.customers)])
        (support,) = await people(fleet, ["support@trade.example"], roles=["support"])
        return TradeStage(
            parameters=parameters,
            seed=seed,
            gateway_url=fleet.gateway_url,
            name=name,
            sold=sold,
            customers=tuple(customers),
            support=support,
            regular=await _signed_in(fleet, REGULAR),
            opened_at=opened_at,
        )

    async def play(self, stage: TradeStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        pulse = Pulse(stage.parameters, cues)
        async with Client.open(history, gateway_url=stage.gateway_url) as client:
            day = _Day(stage, client, pulse)
            beating = asyncio.create_task(pulse.beat())
            try:
                load = (await play(_arrivals(stage.parameters, pulse), day.visit)).load
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
        return LoadReport(figures={**load.figures, "orders": day.orders}, problems=(*load.problems, *pulse.problems))

    def facts(self, stage: TradeStage, report: LoadReport) -> WorkloadFacts:
        del report
        at = stage.opened_at
        return WorkloadFacts(skus=[stage.sold.sku], supply=[SupplyStep(stage.sold.sku, UNITS, at, at, opening=True)])


class Pulse:
    """Signals a pause when its time has come and every journey that began since the last one was seen to work."""

    def __init__(self, parameters: TradeParameters, cues: Cues) -> None:
        self.over = False
        self.problems: tuple[str, ...] = ()
        self._parameters = parameters
        self._cues = cues
        self._since = time.monotonic()
        self._worked: dict[str, float] = {}

    def worked(self, journey: str, *, began: float) -> None:
        """A journey that began at that monotonic moment has come to its good end."""
        self._worked[journey] = max(began, self._worked.get(journey, 0.0))

    def missing(self) -> list[str]:
        """The journeys that were not seen to work since the last pause."""
        since = self._since + BITES_WITHIN_S
        return [journey for journey in JOURNEYS if self._worked.get(journey, 0.0) < since]

    async def beat(self) -> None:
        """Signal one pause after the other; ends the day after the last, or when one never comes."""
        for number in range(1, self._parameters.pauses + 1):
            self._since = time.monotonic()
            while self._waited_s < self._parameters.pause_s or self.missing():
                if self._waited_s > self._parameters.pause_s_max:
                    self.problems = (f"{pause(number)} never came: {', '.join(self.missing())} did not work",)
                    self.over = True
                    return
                await asyncio.sleep(PULSE_S)
            self._cues.signal(pause(number))
        self.over = True

    @property
    def _waited_s(self) -> float:
        return time.monotonic() - self._since


class _Day:
    """The visitors under way."""

    def __init__(self, stage: TradeStage, client: Client, pulse: Pulse) -> None:
        self.orders = 0
        self._stage = stage
        self._client = client
        self._pulse = pulse
        self._chance = random.Random(stage.seed)

    async def visit(self, number: int) -> None:
        """What a visitor does, to the last answer."""
        customer = self._stage.customers[number % len(self._stage.customers)]
        sku = self._stage.sold.sku
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sees(LOOK, customer, f"/products/{sku.lower()}", lambda _: True))
            group.create_task(self._sees(SEARCH, customer, f"/search?q={self._stage.name[-8:]}", _has_items))
            group.create_task(self._sees(WHO_AM_I, self._stage.regular, "/auth/me", lambda _: True))
            group.create_task(self._buys(number, customer))

    async def _buys(self, number: int, customer: Person) -> None:
        chance = self._chance
        declined = chance.random() < self._stage.parameters.declined_share
        request = place_order(
            customer,
            key=f"{self._stage.name}-{number}",
            lines=(WantedLine(self._stage.sold.sku, chance.randint(1, QUANTITY_MAX)),),
            payment_method="tok_declined" if declined else "tok_visa",
        )
        clicks = 2 if chance.random() < self._stage.parameters.double_click_share else 1
        began, began_at = time.monotonic(), datetime.now(UTC)
        results = await asyncio.gather(*(self._client.insist(request) for _ in range(clicks)))
        if not isinstance(results[-1].value, OrderAnswer):
            return
        self._pulse.worked(PLACE_ORDER, began=began)
        self.orders += 1
        order_id = results[-1].value.order_id
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self._sees(COUNTED, self._stage.support, "/reports/orders", lambda page: _is_counted(page, began_at))
            )
            group.create_task(self._sees(TOLD, customer, "/notifications", lambda page: _tells_of(page, order_id)))
            if not declined:
                group.create_task(self._paid(number, customer, order_id))

    async def _paid(self, number: int, customer: Person, order_id: str) -> None:
        paid = f"/payments?order_id={order_id}"
        if not await self._sees(CHARGED, customer, paid, lambda page: _has_status(page, frozenset({"captured"}))):
            return
        choice = self._chance.random()
        parameters = self._stage.parameters
        if choice < parameters.cancel_share:
            await self._client.insist(cancel_order(customer, order_id))
            return
        if choice < parameters.cancel_share + parameters.refund_share:
            charge = await self._client.charged(customer, order_id, patience_s=PATIENCE_S)
            if charge is not None:
                key = f"{self._stage.name}-{number}-goodwill"
                await self._client.insist(refund(self._stage.support, charge, key=key, amount_minor=GOODWILL_MINOR))
        parcels = f"/shipments?order_id={order_id}"
        await self._sees(SHIPPED, customer, parcels, lambda page: _has_status(page, ON_ITS_WAY))

    async def _sees(self, journey: str, person: Person, path: str, shows: Shows) -> bool:
        began = time.monotonic()
        seen = await self._client.see(journey, person.access_token, path, shows, patience_s=PATIENCE_S)
        if seen:
            self._pulse.worked(journey, began=began)
        return seen


async def _signed_in(fleet: Fleet, email: str) -> Person:
    imported = await fleet.call(
        "auth",
        "POST",
        "/internal/users/import",
        json={"items": [{"email": email, "name": "A. Regular", "password": PASSWORD, "roles": ["customer"]}]},
    )
    return Person(imported["items"][0]["user_id"], await fleet.sign_in(email, PASSWORD))


def _arrivals(parameters: TradeParameters, pulse: Pulse) -> Iterator[float]:
    """At a constant rate, to the end of the day."""
    moments = (number / parameters.visitors_per_s for number in itertools.count())
    return itertools.takewhile(lambda _: not pulse.over, moments)


def _has_items(page: Mapping[str, Any]) -> bool:
    return bool(page["items"])


def _has_status(page: Mapping[str, Any], wanted: frozenset[str]) -> bool:
    return any(item["status"] in wanted for item in page["items"])


def _tells_of(page: Mapping[str, Any], order_id: str) -> bool:
    return any(item["order_id"] == order_id for item in page["items"])


def _is_counted(report: Mapping[str, Any], at: datetime) -> bool:
    """Whether an event since then has arrived, and none waits to be counted."""
    newest = report["as_of"]
    return not report["events_behind"] and newest is not None and datetime.fromisoformat(newest) >= at
