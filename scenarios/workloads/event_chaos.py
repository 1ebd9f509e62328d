"""Orders, cancellations, refunds and new prices that make events of every kind, while the faults play with the events.

Nobody wants more than there is. The work is the orders: its share done is the share of them that were answered.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from scenarios.cues import Cues
from scenarios.evidence import SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import EditAnswer, HistoryWriter, OrderAnswer, WantedLine
from scenarios.workloads.client import Client
from scenarios.workloads.market import CURRENCY, Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import cancel_order, place_order, refund, reprice
from scenarios.workloads.workload import LoadReport
from shared.money import Money

STAFF: Final = 4
"""People of the support and of the catalog, so that no one of them meets the rate limit for a person."""
READS_MAX: Final = 10
READ_AGAIN_S: Final = 0.3
PRICE_MINOR: Final = 2_450
SHOWN_PRICE_MINOR: Final = 10_000
GOODWILL_MINOR: Final = 300


class ChaosParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load; shares are of all orders."""

    orders: Annotated[int, Meta(ge=1, le=20_000, description="orders that are placed")]
    over_s: Annotated[float, Meta(ge=0.5, le=3_600, description="seconds over which the orders are spread")]
    products: Annotated[int, Meta(ge=1, le=1_000, description="products whose price changes again and again")]
    edits: Annotated[int, Meta(ge=1, le=1_000, description="changes of price of each of them, one after the other")]
    edits_after_s: Annotated[float, Meta(ge=0, le=3_600, description="seconds until the first change of price")] = 1.0
    edits_over_s: Annotated[
        float, Meta(ge=0, le=3_600, description="seconds over which the products begin to change")
    ] = 1.0
    declined_share: Annotated[float, Meta(ge=0, le=1, description="orders whose card is declined")] = 0.05
    cancel_share: Annotated[float, Meta(ge=0, le=1, description="orders cancelled once they were charged")] = 0.1
    refund_share: Annotated[float, Meta(ge=0, le=1, description="orders paid back in part after that")] = 0.1
    capture_patience_s: Annotated[
        float, Meta(ge=0, le=120, description="seconds that somebody waits for the charge before cancelling")
    ] = 20.0


class Shown(msgspec.Struct, frozen=True):
    """A product whose price changes; nobody orders it."""

    product_id: str
    sku: str
    version: int


class ChaosStage(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_at` is epoch seconds; `sold` is what everybody orders, `shown` what is only looked at."""

    parameters: ChaosParameters
    seed: int
    gateway_url: str
    name: str
    sold: Article
    shown: tuple[Article, ...]
    customers: tuple[Person, ...]
    support: tuple[Person, ...]
    editors: tuple[Person, ...]
    opened_at: float


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happens `at` so many seconds after the opening: the order of a customer, or the changes of a product."""

    at: float
    number: int
    edits: bool = False
    quantity: int = 1
    payment_method: str = "tok_visa"
    cancelled: bool = False
    refunded: bool = False


class EventChaos:
    """The workload of incident 03."""

    async def prepare(self, fleet: Fleet, parameters: ChaosParameters, *, seed: int) -> ChaosStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        sold = _article("MUG", name, PRICE_MINOR, units=parameters.orders * 2)
        shown = tuple(
            _article(f"LAMP{number}", name, SHOWN_PRICE_MINOR, units=1) for number in range(parameters.products)
        )
        await asyncio.gather(*(put_on_sale(fleet, article) for article in (sold, *shown)))
        customers = await people(fleet, [f"customer-{n:05}@chaos.example" for n in range(parameters.orders)])
        support = await people(fleet, [f"support-{n}@chaos.example" for n in range(STAFF)], roles=["support"])
        editors = await people(fleet, [f"editor-{n}@chaos.example" for n in range(STAFF)], roles=["admin"])
        return ChaosStage(
            parameters=parameters,
            seed=seed,
            gateway_url=fleet.gateway_url,
            name=name,
            sold=sold,
            shown=shown,
            customers=tuple(customers),
            support=tuple(support),
            editors=tuple(editors),
            opened_at=opened_at,
        )

    async def play(self, stage: ChaosStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        plan = steps(stage.parameters, random.Random(stage.seed))
        async with Client.open(history, gateway_url=stage.gateway_url) as client:
            shop = _Shop(stage, client, cues)
            load = (await play([step.at for step in plan], lambda index: shop.serve(plan[index]))).load
        missed = () if shop.done["repriced"] else ("no price was changed",)
        return LoadReport(figures={**load.figures, **shop.done}, problems=(*load.problems, *missed))

    def facts(self, stage: ChaosStage, report: LoadReport) -> WorkloadFacts:
        del report
        at = stage.opened_at
        articles = (stage.sold, *stage.shown)
        return WorkloadFacts(
            skus=[article.sku for article in articles],
            supply=[SupplyStep(article.sku, article.units, at, at, opening=True) for article in articles],
        )


def steps(parameters: ChaosParameters, chance: random.Random) -> list[Step]:
    """Everything that happens, in the order of its time."""
    plan = [_order(number, parameters, chance) for number in range(parameters.orders)]
    plan.extend(
        Step(at=parameters.edits_after_s + chance.uniform(0.0, parameters.edits_over_s), number=number, edits=True)
        for number in range(parameters.products)
    )
    return sorted(plan, key=lambda step: step.at)


def prices(product: int, parameters: ChaosParameters) -> Sequence[int]:
    """What a product costs after each of its changes, in minor units; no price comes twice."""
    return range(SHOWN_PRICE_MINOR + 100 * (product + 1), SHOWN_PRICE_MINOR + 100 * (product + 1) + parameters.edits)


class _Shop:
    """The steps under way, and how often each kind was `done`."""

    def __init__(self, stage: ChaosStage, client: Client, cues: Cues) -> None:
        self.done = {"ordered": 0, "cancelled": 0, "paid_back_in_part": 0, "repriced": 0}
        self._stage = stage
        self._client = client
        self._cues = cues
        self._answered = 0

    async def serve(self, step: Step) -> None:
        """One step, to the last answer."""
        await (self._reprice(step) if step.edits else self._order(step))

    async def _order(self, step: Step) -> None:
        customer = self._stage.customers[step.number]
        key = f"{self._stage.name}-{step.number}"
        line = WantedLine(self._stage.sold.sku, step.quantity)
        request = place_order(customer, key=key, lines=(line,), payment_method=step.payment_method)
        result = await self._client.insist(request)
        self._answered += 1
        self._cues.done(self._answered / self._stage.parameters.orders)
        if not isinstance(result.value, OrderAnswer):
            return
        self.done["ordered"] += 1
        if not (step.cancelled or step.refunded):
            return
        order_id = result.value.order_id
        patience_s = self._stage.parameters.capture_patience_s
        charge = await self._client.charged(customer, order_id, patience_s=patience_s)
        if charge is None:
            return
        if step.cancelled:
            await self._client.insist(cancel_order(customer, order_id))
            self.done["cancelled"] += 1
        else:
            support = self._stage.support[step.number % STAFF]
            await self._client.insist(refund(support, charge, key=f"{key}-goodwill", amount_minor=GOODWILL_MINOR))
            self.done["paid_back_in_part"] += 1

    async def _reprice(self, step: Step) -> None:
        """One change after the other, each from the version that the one before gave."""
        article, editor = self._stage.shown[step.number], self._stage.editors[step.number % STAFF]
        product = await self._read(editor, f"/products/{article.sku.lower()}")
        if product is None:
            return
        version: int = product["version"]
        for price_minor in prices(step.number, self._stage.parameters):
            wish = reprice(editor, product["id"], article.sku, price=Money(price_minor, CURRENCY), from_version=version)
            result = await self._client.insist(wish)
            if not isinstance(result.value, EditAnswer):
                return
            version = result.value.version
            self.done["repriced"] += 1

    async def _read(self, person: Person, path: str) -> Any:
        """Look at something, again while the shop is busy; None when it stays so."""
        for _ in range(READS_MAX):
            if (found := await self._client.read(person.access_token, path)) is not None:
                return found
            await asyncio.sleep(READ_AGAIN_S)
        return None


def _article(kind: str, name: str, price_minor: int, *, units: int) -> Article:
    return Article(
        sku=f"{kind}-{name}",
        title=f"{kind.title()} {name[-4:]}",
        category="household",
        price_minor=price_minor,
        currency=CURRENCY,
        units=units,
    )


def _order(number: int, parameters: ChaosParameters, chance: random.Random) -> Step:
    cancelled = chance.random() < parameters.cancel_share
    return Step(
        at=chance.uniform(0.0, parameters.over_s),
        number=number,
        quantity=chance.randint(1, 2),
        payment_method="tok_declined" if chance.random() < parameters.declined_share else "tok_visa",
        cancelled=cancelled,
        refunded=not cancelled and chance.random() < parameters.refund_share,
    )
