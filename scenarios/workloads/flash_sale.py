"""Ten thousand buyers want a hundred jackets: some impatient, some declined, some greedy, some change their minds.

Some had theirs in a guest's cart and logged in before the opening, twice to be sure. There may be a restock half-way.
The work is the supply: its share done is the share of the units that clients have had confirmed.
"""

import asyncio
import random
import time
from typing import Annotated, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from scenarios.cues import Cues
from scenarios.evidence import PurchaseLimit, SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter, OrderAnswer, WantedLine
from scenarios.workloads.client import Client
from scenarios.workloads.market import Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import cancel_order, clear_cart, merge_cart, place_order, receive_stock, refund
from scenarios.workloads.workload import LoadReport

IMPATIENT_TIMEOUT_S: Final = 0.03
ABANDON_AFTER_S: Final = 0.02
PRICE_MINOR: Final = 12_900
EXTRA_PRICE_MINOR: Final = 1_900
GOODWILL_MINOR: Final = 500
PER_CUSTOMER: Final = 2
CAPTURE_PATIENCE_S: Final = 6.0
"""How long somebody waits for the charge before giving up on being paid back."""
CANCEL_WITHIN_S: Final = 1.0
"""A change of mind comes before the charge, after it, or too late: the parcel leaves about then."""
LOGINS: Final = 2
"""How often a guest logs in with the same cart."""
SOLD_OUT: Final = "sold_out"
"""The signal at the first buyer who is told that nothing is left."""


class SaleParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sale; shares are of all buyers."""

    units: Annotated[int, Meta(ge=1, le=10_000, description="units on sale")]
    buyers: Annotated[int, Meta(ge=1, le=50_000, description="people who want one")]
    over_s: Annotated[float, Meta(ge=0.5, le=600, description="seconds over which the arrivals are spread")]
    volley: Annotated[int, Meta(ge=0, le=50_000, description="buyers who all come at the opening")] = 200
    impatient_share: Annotated[
        float, Meta(ge=0, le=1, description="buyers who give up at once and ask again with the same key")
    ] = 0.05
    abandon_share: Annotated[float, Meta(ge=0, le=1, description="buyers who leave and never learn")] = 0.03
    declined_share: Annotated[float, Meta(ge=0, le=1, description="buyers whose card is declined")] = 0.04
    greedy_share: Annotated[
        float, Meta(ge=0, le=1, description="buyers who place several orders at once, against the limit")
    ] = 0.02
    greedy_orders: Annotated[int, Meta(ge=1, le=100, description="orders that a greedy buyer places")] = 3
    greedy_first: Annotated[
        bool, Meta(description="whether the greedy are the quickest, as resellers' programs are")
    ] = False
    pair_share: Annotated[float, Meta(ge=0, le=1, description="buyers who want two units in one order")] = 0.1
    extra_share: Annotated[
        float,
        Meta(
            ge=0, le=1, description="buyers whose order has a second line, of a plentiful book that is taxed at nothing"
        ),
    ] = 0.2
    guests: Annotated[
        int, Meta(ge=0, le=1_000, description="buyers who come first, with the cart that they filled as guests")
    ] = 50
    restock: Annotated[int, Meta(ge=0, le=10_000, description="units that are received half-way")] = 0
    second_body_share: Annotated[
        float, Meta(ge=0, le=1, description="winners who send another order under the key of the first")
    ] = 0.1
    cancel_share: Annotated[float, Meta(ge=0, le=1, description="winners who cancel within a second")] = 0.1
    refund_share: Annotated[
        float, Meta(ge=0, le=1, description="winners who are paid back in part once they were charged")
    ] = 0.1


class SaleStage(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_at` is epoch seconds; `extra_sku` is the plentiful book that some order beside.

    `restocked` grows by what is received while the sale is on.
    """

    parameters: SaleParameters
    seed: int
    gateway_url: str
    sku: str
    extra_sku: str
    extra_units: int
    buyers: tuple[Person, ...]
    support: Person
    warehouse: Person
    opened_at: float
    restocked: list[SupplyStep] = []


class _Character(msgspec.Struct, frozen=True):
    impatient: bool
    abandons: bool
    payment_method: str
    greedy: bool
    quantity: int
    extra: bool
    second_body: bool
    cancels: bool
    cancels_after_s: float
    refunded: bool
    guest: bool = False


class FlashSale:
    """The workload of incident 01."""

    async def prepare(self, fleet: Fleet, parameters: SaleParameters, *, seed: int) -> SaleStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        jacket = Article(
            sku=f"JACKET-{name}",
            title=f"Storm jacket {name[-4:]}",
            category="jackets",
            price_minor=PRICE_MINOR,
            units=parameters.units,
            per_customer=PER_CUSTOMER,
        )
        almanac = Article(
            sku=f"BOOK-{name}",
            title=f"Storm almanac {name[-4:]}",
            category="books",
            tax_class="zero",
            price_minor=EXTRA_PRICE_MINOR,
            units=parameters.buyers * parameters.greedy_orders,
        )
        emails = [f"buyer-{number:05}@flash.example" for number in range(parameters.buyers)]
        buyers, (support,), (warehouse,), _, _ = await asyncio.gather(
            people(fleet, emails),
            people(fleet, ["support@flash.example"], roles=["support"]),
            people(fleet, ["warehouse@flash.example"], roles=["admin"]),
            put_on_sale(fleet, jacket),
            put_on_sale(fleet, almanac),
        )
        return SaleStage(
            parameters=parameters,
            seed=seed,
            gateway_url=fleet.gateway_url,
            sku=jacket.sku,
            extra_sku=almanac.sku,
            extra_units=almanac.units,
            buyers=tuple(buyers),
            support=support,
            warehouse=warehouse,
            opened_at=opened_at,
        )

    async def play(self, stage: SaleStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        async with Client.open(history, gateway_url=stage.gateway_url) as client:
            sale = _Sale(stage, client, cues)
            await sale.log_guests_in()
            async with asyncio.TaskGroup() as group:
                restocking = group.create_task(sale.restock())
                report = (await play(sale.arrivals, sale.buy)).load
        return msgspec.structs.replace(report, problems=(*report.problems, *restocking.result()))

    def facts(self, stage: SaleStage, report: LoadReport) -> WorkloadFacts:
        del report
        at = stage.opened_at
        return WorkloadFacts(
            skus=[stage.sku, stage.extra_sku],
            scarce_skus=[stage.sku],
            supply=[
                SupplyStep(stage.sku, stage.parameters.units, at, at, opening=True),
                SupplyStep(stage.extra_sku, stage.extra_units, at, at, opening=True),
                *stage.restocked,
            ],
            limits=[PurchaseLimit(stage.sku, PER_CUSTOMER)],
        )


class _Sale:
    """One sale under way."""

    def __init__(self, stage: SaleStage, client: Client, cues: Cues) -> None:
        self._stage = stage
        self._client = client
        self._cues = cues
        self._units_confirmed = 0
        chance = random.Random(stage.seed)
        parameters = stage.parameters
        self._characters = _crowd(parameters, chance)
        self._logged_in: set[int] = set()
        self.arrivals = _arrivals(parameters, chance)

    async def log_guests_in(self) -> None:
        """Every guest's cart is brought along at each login; whoever did not get in buys nothing."""
        guests = [index for index, character in enumerate(self._characters) if character.guest]
        await asyncio.gather(*(self._log_in(index) for index in guests))

    async def _log_in(self, index: int) -> None:
        """What is left in the cart from another sale is taken out before."""
        buyer, character = self._stage.buyers[index], self._characters[index]
        merge = merge_cart(buyer, self._lines(character, character.quantity))
        for request in (clear_cart(buyer), *([merge] * LOGINS)):
            if (await self._client.insist(request)).type != "ok":
                return
        self._logged_in.add(index)

    async def restock(self) -> tuple[str, ...]:
        """More units come in half-way, and count from the moment at which somebody books them in. Gives problems."""
        stage = self._stage
        if not stage.parameters.restock:
            return ()
        await asyncio.sleep(stage.parameters.over_s / 2)
        at = time.time()
        stage.restocked.append(SupplyStep(stage.sku, stage.parameters.restock, at, at))
        receipt = receive_stock(
            stage.warehouse, stage.sku, quantity=stage.parameters.restock, reference=f"restock {stage.sku}"
        )
        result = await self._client.insist(receipt)
        stage.restocked[0] = msgspec.structs.replace(stage.restocked[0], done_at=time.time())
        return () if result.type == "ok" else (f"the restock was not received: {result.code or 'no answer'}",)

    async def buy(self, index: int) -> None:
        """What the buyer of this number does, to the last answer."""
        buyer, character = self._stage.buyers[index], self._characters[index]
        if character.guest and index not in self._logged_in:
            return
        orders = self._stage.parameters.greedy_orders if character.greedy else 1
        async with asyncio.TaskGroup() as group:
            for number in range(1, orders + 1):
                group.create_task(self._order(buyer, character, f"{self._stage.sku}-{index}-{number}"))

    async def _order(self, buyer: Person, character: _Character, key: str) -> None:
        lines = self._lines(character, character.quantity)
        request = place_order(
            buyer, key=key, lines=lines, payment_method=character.payment_method, from_cart=character.guest
        )
        if character.abandons:
            result = await self._client.insist(request, first_timeout_s=ABANDON_AFTER_S, attempts_max=1)
        elif character.impatient:
            result = await self._client.insist(request, first_timeout_s=IMPATIENT_TIMEOUT_S)
        else:
            result = await self._client.insist(request)
        if result.code == "insufficient_stock":
            self._cues.signal(SOLD_OUT)
        if isinstance(result.value, OrderAnswer):
            self._units_confirmed += character.quantity
            self._cues.done(self._units_confirmed / self._stage.parameters.units)
            await self._afterwards(buyer, character, key, result.value.order_id)

    async def _afterwards(self, buyer: Person, character: _Character, key: str, order_id: str) -> None:
        """What a winner does next; paying back waits for the charge, a change of mind for nothing."""
        if character.second_body:
            other = self._lines(character, PER_CUSTOMER + 1 - character.quantity)
            await self._client.insist(place_order(buyer, key=key, lines=other, payment_method=character.payment_method))
        if character.cancels:
            await asyncio.sleep(character.cancels_after_s)
            await self._client.insist(cancel_order(buyer, order_id))
        elif character.refunded and (
            charge := await self._client.charged(buyer, order_id, patience_s=CAPTURE_PATIENCE_S)
        ):
            goodwill = refund(self._stage.support, charge, key=f"{key}-goodwill", amount_minor=GOODWILL_MINOR)
            await self._client.insist(goodwill)

    def _lines(self, character: _Character, quantity: int) -> tuple[WantedLine, ...]:
        jacket = WantedLine(self._stage.sku, quantity)
        return (jacket, WantedLine(self._stage.extra_sku, 1)) if character.extra else (jacket,)


def _crowd(parameters: SaleParameters, chance: random.Random) -> list[_Character]:
    """Everybody in the order in which they come."""
    crowd = [_character(parameters, chance) for _ in range(parameters.buyers)]
    if parameters.greedy_first:
        crowd.sort(key=lambda character: not character.greedy)
    for index in range(min(parameters.guests, parameters.buyers)):
        crowd[index] = msgspec.structs.replace(
            crowd[index], guest=True, greedy=False, abandons=False, impatient=False, quantity=1
        )
    return crowd


def _character(parameters: SaleParameters, chance: random.Random) -> _Character:
    cancels = chance.random() < parameters.cancel_share
    return _Character(
        impatient=chance.random() < parameters.impatient_share,
        abandons=chance.random() < parameters.abandon_share,
        payment_method="tok_declined" if chance.random() < parameters.declined_share else "tok_visa",
        greedy=chance.random() < parameters.greedy_share,
        quantity=2 if chance.random() < parameters.pair_share else 1,
        extra=chance.random() < parameters.extra_share,
        second_body=chance.random() < parameters.second_body_share,
        cancels=cancels,
        cancels_after_s=chance.random() * CANCEL_WITHIN_S,
        refunded=not cancels and chance.random() < parameters.refund_share,
    )


def _arrivals(parameters: SaleParameters, chance: random.Random) -> list[float]:
    """A synchronised volley at the opening, then a constant rate with exponential gaps."""
    volley = min(parameters.volley, parameters.buyers)
    spread = sorted(chance.uniform(0.0, parameters.over_s) for _ in range(parameters.buyers - volley))
    return [0.0] * volley + spread
