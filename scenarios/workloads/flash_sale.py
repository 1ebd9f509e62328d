"""Ten thousand buyers want a hundred jackets: one buy-now request each, some impatient, some declined, some greedy.

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
from scenarios.history import HistoryWriter, WantedLine
from scenarios.workloads.client import Client, place_order
from scenarios.workloads.market import Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.workload import LoadReport

IMPATIENT_TIMEOUT_S: Final = 0.03
ABANDON_AFTER_S: Final = 0.02
PRICE_MINOR: Final = 12_900
PER_CUSTOMER: Final = 2


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


class SaleStage(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_at` is epoch seconds."""

    parameters: SaleParameters
    seed: int
    gateway_url: str
    sku: str
    buyers: tuple[Person, ...]
    opened_at: float


class _Character(msgspec.Struct, frozen=True):
    impatient: bool
    abandons: bool
    payment_method: str
    greedy: bool


class FlashSale:
    """The workload of incident 01."""

    async def prepare(self, fleet: Fleet, parameters: SaleParameters, *, seed: int) -> SaleStage:
        opened_at = time.time()
        sku = f"JACKET-{seed}-{uuid4().hex[:8]}".upper()
        jacket = Article(
            sku=sku,
            title=f"Storm jacket {sku[-4:]}",
            category="jackets",
            price_minor=PRICE_MINOR,
            units=parameters.units,
            per_customer=PER_CUSTOMER,
        )
        emails = [f"buyer-{number:05}@flash.example" for number in range(parameters.buyers)]
        buyers, _ = await asyncio.gather(people(fleet, emails), put_on_sale(fleet, jacket))
        return SaleStage(
            parameters=parameters,
            seed=seed,
            gateway_url=fleet.gateway_url,
            sku=sku,
            buyers=tuple(buyers),
            opened_at=opened_at,
        )

    async def play(self, stage: SaleStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        async with Client.open(history, gateway_url=stage.gateway_url) as client:
            sale = _Sale(stage, client, cues)
            return (await play(sale.arrivals, sale.buy)).load

    def facts(self, stage: SaleStage, report: LoadReport) -> WorkloadFacts:
        del report
        return WorkloadFacts(
            skus=[stage.sku],
            scarce_skus=[stage.sku],
            supply=[SupplyStep(stage.sku, stage.parameters.units, stage.opened_at, stage.opened_at, opening=True)],
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
        self._characters = [_character(parameters, chance) for _ in range(parameters.buyers)]
        if parameters.greedy_first:
            self._characters.sort(key=lambda character: not character.greedy)
        self.arrivals = _arrivals(parameters, chance)

    async def buy(self, index: int) -> None:
        """What the buyer of this number does, to the last answer."""
        buyer, character = self._stage.buyers[index], self._characters[index]
        orders = self._stage.parameters.greedy_orders if character.greedy else 1
        async with asyncio.TaskGroup() as group:
            for number in range(1, orders + 1):
                group.create_task(self._order(buyer, character, f"{self._stage.sku}-{index}-{number}"))

    async def _order(self, buyer: Person, character: _Character, key: str) -> None:
        request = place_order(
            buyer, key=key, lines=(WantedLine(self._stage.sku, 1),), payment_method=character.payment_method
        )
        if character.abandons:
            told = await self._client.insist(request, first_timeout_s=ABANDON_AFTER_S, attempts_max=1)
        elif character.impatient:
            told = await self._client.insist(request, first_timeout_s=IMPATIENT_TIMEOUT_S)
        else:
            told = await self._client.insist(request)
        if told.type == "ok":
            self._units_confirmed += 1
            self._cues.done(self._units_confirmed / self._stage.parameters.units)


def _character(parameters: SaleParameters, chance: random.Random) -> _Character:
    return _Character(
        impatient=chance.random() < parameters.impatient_share,
        abandons=chance.random() < parameters.abandon_share,
        payment_method="tok_declined" if chance.random() < parameters.declined_share else "tok_visa",
        greedy=chance.random() < parameters.greedy_share,
    )


def _arrivals(parameters: SaleParameters, chance: random.Random) -> list[float]:
    """A synchronised volley at the opening, then a constant rate with exponential gaps."""
    volley = min(parameters.volley, parameters.buyers)
    spread = sorted(chance.uniform(0.0, parameters.over_s) for _ in range(parameters.buyers - volley))
    return [0.0] * volley + spread
