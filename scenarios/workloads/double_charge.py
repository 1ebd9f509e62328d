"""Many checkouts whose payments go wrong on the way: clicked twice, sent again, paid back several times at once.

Some are in another currency than that of the goods, and the rate changes between what is shown and what is ordered.

Nobody wants more than there is; it is all about the money. The work is the checkouts: its share done is the share of
them that were answered.
"""

import asyncio
import random
import time
from itertools import cycle
from typing import Annotated, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from scenarios.cues import Cues
from scenarios.evidence import SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter, OrderAnswer, PreviewAnswer, WantedLine
from scenarios.workloads.client import PATIENT_TIMEOUT_S, AttemptResult, Client
from scenarios.workloads.market import Article, Person, make_coupon, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import Charge, Request, place_order, preview_order, refund
from scenarios.workloads.workload import LoadReport

COUPON_RATE_BP: Final = 1_000
QUANTITY_MAX: Final = 3
IMPATIENT_TIMEOUT_S: Final = 0.03
CURRENCIES: Final = ("USD", "JPY", "KWD", "EUR")
ABROAD_BUYS_IN: Final = "USD"
ABROAD_PAYS_IN: Final = ("EUR", "JPY", "KWD")
"""Two, none and three decimals, for goods of two."""
RATES_MICRO: Final = (1_020_000, 1_150_000)
"""Between which the dollar moves against the euro, in millionths."""
SUPPORTERS: Final = 8
"""People of the support, so that no one of them meets the rate limit for a person."""
CROWD_DIVISOR: Final = 4
"""Each refund of a crowd asks for this part of the payment, so that as many of them fit and no more."""


class ChargeParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load of checkouts; shares are of all of them."""

    checkouts: Annotated[int, Meta(ge=1, le=20_000, description="people who buy something once")]
    over_s: Annotated[float, Meta(ge=0.5, le=3_600, description="seconds over which the checkouts are spread")]
    baskets: Annotated[
        int, Meta(ge=0, le=1_000, description="orders with a coupon, in one currency after the other, all returned")
    ] = 20
    crowds: Annotated[int, Meta(ge=0, le=1_000, description="orders whose money is asked back many times at once")] = 50
    crowd_refunds: Annotated[int, Meta(ge=2, le=100, description="refunds asked for at once on such an order")] = 20
    abroad: Annotated[
        int, Meta(ge=0, le=1_000, description="checkouts in USD paid in other money, whose rate changes in the middle")
    ] = 60
    yen_share: Annotated[float, Meta(ge=0, le=1, description="checkouts in JPY, which has no decimals")] = 0.05
    dinar_share: Annotated[float, Meta(ge=0, le=1, description="checkouts in KWD, which has three")] = 0.05
    coupon_share: Annotated[float, Meta(ge=0, le=1, description="checkouts with a coupon of 10 %")] = 0.3
    double_click_share: Annotated[
        float, Meta(ge=0, le=1, description="checkouts sent twice at the same moment under one key")
    ] = 0.2
    impatient_share: Annotated[
        float, Meta(ge=0, le=1, description="checkouts given up at once and sent again under their key")
    ] = 0.05
    other_body_share: Annotated[
        float, Meta(ge=0, le=1, description="checkouts followed by another order under the same key")
    ] = 0.01
    late_share: Annotated[
        float, Meta(ge=0, le=1, description="checkouts sent once more under their key after late_s")
    ] = 0.05
    late_s: Annotated[float, Meta(ge=0, le=60, description="seconds until a checkout is sent once more")] = 3.0
    same_key_share: Annotated[
        float, Meta(ge=0, le=1, description="checkouts that use the key and body of somebody else's")
    ] = 0.02
    declined_share: Annotated[float, Meta(ge=0, le=1, description="checkouts whose card is declined")] = 0.03
    return_share: Annotated[float, Meta(ge=0, le=1, description="orders whose whole price is asked back")] = 0.1
    goodwill_share: Annotated[
        float, Meta(ge=0, le=1, description="orders of which a part is asked back, clicked twice")
    ] = 0.1
    capture_patience_s: Annotated[
        float, Meta(ge=0, le=120, description="seconds that somebody waits for the charge before asking money back")
    ] = 30.0


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What is on sale in one currency, and where it is sent; whoever buys takes all of it."""

    country: str
    articles: tuple[Article, ...]


class ChargeStage(msgspec.Struct, frozen=True, kw_only=True):
    """`markets` by currency; `opened_at` is epoch seconds."""

    parameters: ChargeParameters
    seed: int
    gateway_url: str
    exchange_url: str
    name: str
    markets: dict[str, Market]
    coupon: str
    buyers: tuple[Person, ...]
    support: tuple[Person, ...]
    opened_at: float


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer does; `key` names the number of the checkout whose key is used, usually one's own.

    `pay_in` is the currency the total is shown and paid in where that is not the goods' own.
    """

    key: int
    currency: str
    pay_in: str = ""
    quantity: int
    coupon: bool
    payment_method: str
    double_click: bool
    impatient: bool
    other_body: bool
    late: bool
    returned: bool
    goodwill: bool
    crowd: bool

    @property
    def other_quantity(self) -> int:
        """What another body asks for."""
        return self.quantity % QUANTITY_MAX + 1


class DoubleCharge:
    """The workload of incident 02."""

    async def prepare(self, fleet: Fleet, parameters: ChargeParameters, *, seed: int) -> ChargeStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        markets = markets_of(name, units=parameters.checkouts * QUANTITY_MAX)
        coupon = f"TEN-{name}"
        emails = [f"payer-{number:05}@charge.example" for number in range(parameters.checkouts)]
        supporters = [f"support-{number:02}@charge.example" for number in range(SUPPORTERS)]
        await make_coupon(fleet, coupon, rate_bp=COUPON_RATE_BP)
        for market in markets.values():
            await asyncio.gather(*(put_on_sale(fleet, article) for article in market.articles))
        buyers = await people(fleet, emails)
        support = await people(fleet, supporters, roles=["support"])
        return ChargeStage(
            parameters=parameters,
            seed=seed,
            gateway_url=fleet.gateway_url,
            exchange_url=fleet.url("psp"),
            name=name,
            markets=markets,
            coupon=coupon,
            buyers=tuple(buyers),
            support=tuple(support),
            opened_at=opened_at,
        )

    async def play(self, stage: ChargeStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        parameters = stage.parameters
        async with Client.open(history, gateway_url=stage.gateway_url) as client:
            load = _Checkouts(stage, client, cues)
            arrivals = _arrivals(parameters, random.Random(stage.seed))
            report = (await play(arrivals, load.serve)).load
        wanted = {
            "paid_back_whole": parameters.baskets,
            "asked_back_at_once": parameters.crowds,
            "ordered_abroad": parameters.abroad,
        }
        missed = tuple(
            f"{name.replace('_', ' ')}: {load.done[name]} orders, {count} were planned"
            for name, count in wanted.items()
            if count and not load.done[name]
        )
        return LoadReport(figures={**report.figures, **load.done}, problems=(*report.problems, *missed))

    def facts(self, stage: ChargeStage, report: LoadReport) -> WorkloadFacts:
        del report
        at = stage.opened_at
        articles = [article for market in stage.markets.values() for article in market.articles]
        return WorkloadFacts(
            skus=[article.sku for article in articles],
            supply=[SupplyStep(article.sku, article.units, at, at, opening=True) for article in articles],
        )


def markets_of(name: str, *, units: int) -> dict[str, Market]:
    """What is on sale: things that do not divide well, in currencies of two, none and three decimals."""

    def article(kind: str, price_minor: int, currency: str) -> Article:
        return Article(
            sku=f"{kind}-{name}",
            title=f"{kind.title()} {name[-4:]}",
            category="household",
            price_minor=price_minor,
            currency=currency,
            units=units,
        )

    basket = (article("CUP", 1_999, "USD"), article("POT", 2_999, "USD"), article("PAN", 4_999, "USD"))
    return {
        "EUR": Market(country="IE", articles=(article("JUG", 1_895, "EUR"), article("LID", 733, "EUR"))),
        "USD": Market(country="US", articles=basket),
        "JPY": Market(country="JP", articles=(article("TEA", 2_485, "JPY"),)),
        "KWD": Market(country="KW", articles=(article("OUD", 7_125, "KWD"),)),
    }


def checkouts(parameters: ChargeParameters, seed: int) -> list[Checkout]:
    """What everybody does, one after the other; the baskets, crowds and those abroad are as many as was asked for.

    Somebody sends another body under a used key, whatever the seed: the first basket does if nobody did before.
    """
    chance = random.Random(f"{seed} checkouts")
    count = parameters.checkouts
    special = parameters.baskets + parameters.crowds
    numbers = chance.sample(range(count), min(count, special + parameters.abroad))
    baskets = dict(zip(numbers[: parameters.baskets], cycle(CURRENCIES), strict=False))
    crowds = set(numbers[parameters.baskets : special])
    abroad = dict(zip(numbers[special:], cycle(ABROAD_PAYS_IN), strict=False))
    plan: list[Checkout] = []
    for number in range(count):
        one = _checkout(number, parameters, chance)
        if number in baskets:
            one = msgspec.structs.replace(
                one,
                currency=baskets[number],
                quantity=1,
                coupon=True,
                payment_method="tok_visa",
                other_body=one.other_body or not any(before.other_body for before in plan),
                returned=True,
                goodwill=False,
            )
        elif number in crowds:
            one = msgspec.structs.replace(one, payment_method="tok_visa", returned=False, goodwill=False, crowd=True)
        elif number in abroad:
            one = msgspec.structs.replace(
                one, currency=ABROAD_BUYS_IN, pay_in=abroad[number], payment_method="tok_visa"
            )
        elif plan and chance.random() < parameters.same_key_share:
            before = plan[-1]
            one = msgspec.structs.replace(
                one,
                key=before.key,
                currency=before.currency,
                quantity=before.quantity,
                coupon=before.coupon,
                payment_method=before.payment_method,
            )
        plan.append(one)
    return plan


class _Checkouts:
    """The checkouts under way, and how many orders were `done` what to."""

    def __init__(self, stage: ChargeStage, client: Client, cues: Cues) -> None:
        self.done = {
            "ordered": 0, "ordered_abroad": 0, "paid_back_whole": 0, "paid_back_in_part": 0, "asked_back_at_once": 0,
        }  # fmt: skip
        self._stage = stage
        self._client = client
        self._cues = cues
        self._answered = 0
        self._plan = checkouts(stage.parameters, stage.seed)
        self._rates = random.Random(f"{stage.seed} rates")

    async def serve(self, number: int) -> None:
        """What the customer of this number does, to the last answer."""
        checkout = self._plan[number]
        quote_id = await self._shown(number, checkout) if checkout.pay_in else ""
        request = self._request(number, checkout, quantity=checkout.quantity, quote_id=quote_id)
        patience_s = IMPATIENT_TIMEOUT_S if checkout.impatient else PATIENT_TIMEOUT_S
        result = await self._sent(request, times=2 if checkout.double_click else 1, first_timeout_s=patience_s)
        self._answered += 1
        self._cues.done(self._answered / self._stage.parameters.checkouts)
        if not isinstance(result.value, OrderAnswer):
            return
        self.done["ordered"] += 1
        self.done["ordered_abroad"] += bool(quote_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sent_again(number, checkout, request))
            group.create_task(self._paid_back(number, checkout, result.value.order_id))

    async def _shown(self, number: int, checkout: Checkout) -> str:
        """Look at the total in other money; the rate moves before it is ordered. Gives the quote, "" for none."""
        market = self._stage.markets[checkout.currency]
        preview = preview_order(
            self._stage.buyers[number],
            lines=_lines(market, checkout.quantity),
            currency=checkout.pay_in,
            country=market.country,
            coupon=self._stage.coupon if checkout.coupon else "",
        )
        shown = await self._client.insist(preview)
        micro = self._rates.randint(*RATES_MICRO)
        await self._client.move_rate(
            self._stage.exchange_url, checkout.currency, per_euro=f"{micro // 10**6}.{micro % 10**6:06}"
        )
        return shown.value.quote_id if isinstance(shown.value, PreviewAnswer) else ""

    async def _sent(self, request: Request, *, times: int, first_timeout_s: float = PATIENT_TIMEOUT_S) -> AttemptResult:
        """The last answer of several clicks at the same moment."""
        clicks = (self._client.insist(request, first_timeout_s=first_timeout_s) for _ in range(times))
        return (await asyncio.gather(*clicks))[-1]

    async def _sent_again(self, number: int, checkout: Checkout, request: Request) -> None:
        if checkout.other_body:
            other = self._request(number, checkout, quantity=checkout.other_quantity)
            await self._client.insist(other)
        if checkout.late:
            await asyncio.sleep(self._stage.parameters.late_s)
            await self._client.insist(request)

    async def _paid_back(self, number: int, checkout: Checkout, order_id: str) -> None:
        """All of it, a part of it, or a part of it many times at once; each waits for the charge."""
        if not (checkout.returned or checkout.goodwill or checkout.crowd):
            return
        buyer, support = self._stage.buyers[number], self._stage.support[number % SUPPORTERS]
        charge = await self._client.charged(buyer, order_id, patience_s=self._stage.parameters.capture_patience_s)
        if charge is None:
            return
        key = f"{self._stage.name}-{number}"
        part_minor = charge.amount.amount_minor // CROWD_DIVISOR
        if checkout.crowd:
            await self._crowd(support, charge, key=key, part_minor=part_minor)
        elif checkout.returned:
            await self._sent(refund(support, charge, key=f"{key}-return"), times=1)
            self.done["paid_back_whole"] += 1
        else:
            await self._sent(refund(support, charge, key=f"{key}-goodwill", amount_minor=part_minor), times=2)
            self.done["paid_back_in_part"] += 1

    async def _crowd(self, support: Person, charge: Charge, *, key: str, part_minor: int) -> None:
        """Refunds that do not fit into the payment together, each under a key of its own."""
        wishes = [
            refund(support, charge, key=f"{key}-{one}", amount_minor=part_minor)
            for one in range(self._stage.parameters.crowd_refunds)
        ]
        await asyncio.gather(*(self._client.insist(wish) for wish in wishes))
        self.done["asked_back_at_once"] += 1

    def _request(self, number: int, checkout: Checkout, *, quantity: int, quote_id: str = "") -> Request:
        market = self._stage.markets[checkout.currency]
        return place_order(
            self._stage.buyers[number],
            key=f"{self._stage.name}-{checkout.key}",
            lines=_lines(market, quantity),
            payment_method=checkout.payment_method,
            country=market.country,
            coupon=self._stage.coupon if checkout.coupon else "",
            quote_id=quote_id,
        )


def _lines(market: Market, quantity: int) -> tuple[WantedLine, ...]:
    return tuple(WantedLine(article.sku, quantity) for article in market.articles)


def _checkout(number: int, parameters: ChargeParameters, chance: random.Random) -> Checkout:
    purse = chance.random()
    goodwill = chance.random() < parameters.goodwill_share
    return Checkout(
        key=number,
        currency=(
            "JPY"
            if purse < parameters.yen_share
            else "KWD"
            if purse < parameters.yen_share + parameters.dinar_share
            else "EUR"
        ),
        quantity=chance.randint(1, QUANTITY_MAX),
        coupon=chance.random() < parameters.coupon_share,
        payment_method="tok_declined" if chance.random() < parameters.declined_share else "tok_visa",
        double_click=chance.random() < parameters.double_click_share,
        impatient=chance.random() < parameters.impatient_share,
        other_body=chance.random() < parameters.other_body_share,
        late=chance.random() < parameters.late_share,
        returned=not goodwill and chance.random() < parameters.return_share,
        goodwill=goodwill,
        crowd=False,
    )


def _arrivals(parameters: ChargeParameters, chance: random.Random) -> list[float]:
    return sorted(chance.uniform(0.0, parameters.over_s) for _ in range(parameters.checkouts))
