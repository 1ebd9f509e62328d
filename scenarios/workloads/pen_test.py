"""The attack suite, one attack after the other, while honest customers look, search and buy at a constant rate.

The work is the attacks: its share done is the share of them that were played.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Final
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Meta

from compose import secrets_file
from compose.operator_error import OperatorError
from scenarios.checkers.honest_traffic import HONEST
from scenarios.cues import Cues
from scenarios.evidence import SupplyStep, WorkloadFacts
from scenarios.faults.sessions import superuser
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter, WantedLine
from scenarios.log_reading import is_written, logged_traces
from scenarios.probes.aftermath import AFTERMATH, aftermath, last_event, standing
from scenarios.probes.card import ATTACK
from scenarios.probes.catalogue import PROBES
from scenarios.probes.grounds import Grounds, UnpreparedError
from scenarios.probes.probe import Probe, ProbeBlockedError
from scenarios.workloads.client import Client
from scenarios.workloads.market import CURRENCY, Article, Person, people, put_on_sale
from scenarios.workloads.open_model import play, raise_file_limit
from scenarios.workloads.requests import place_order
from scenarios.workloads.workload import LoadReport
from shared import webhook_signatures
from shared.identity import InternalTokens, operator_principal

CUSTOMERS: Final = 40
PRICE_MINOR: Final = 2_450
UNITS: Final = 100_000
PATIENCE_S: Final = 12.0
LOG_DEADLINE_S: Final = 3.0
LOG_POLL_S: Final = 0.1
AWAY: Final = (TimeoutError, aiohttp.ClientError, OSError, OperatorError)


class PenTestParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assessment."""

    honest_per_s: Annotated[float, Meta(ge=1, le=200, description="requests of honest customers in a second")] = 20.0
    baseline_s: Annotated[float, Meta(ge=1, le=600, description="seconds of honest traffic before the first attack")]
    every_s: Annotated[float, Meta(ge=0, le=60, description="seconds from one attack to the next at least")]
    rounds: Annotated[int, Meta(ge=1, le=50, description="times that every attack is played")] = 1
    crowd: Annotated[int, Meta(ge=2, le=200, description="requests of one attack at one moment, where a crowd matters")]
    buy_share: Annotated[float, Meta(ge=0, le=1, description="share of honest requests that place an order")] = 0.05


class PenTestStage(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_at` is epoch seconds."""

    parameters: PenTestParameters
    seed: int
    fleet: Fleet
    name: str
    sold: Article
    customers: tuple[Person, ...]
    opened_at: float


class FleetSite:
    """A running fleet as attackers and their witnesses see it."""

    def __init__(self, fleet: Fleet, *, since: float) -> None:
        self._fleet = fleet
        self._since = since

    def url(self, name: str) -> str:
        return self._fleet.url(name)

    async def call(self, service: str, method: str, path: str, *, json: object = None) -> Any:
        return await self._fleet.call(service, method, path, json=json)

    def internal_token(self, service: str, *, age_s: float = 0.0) -> str:
        tokens = InternalTokens(self._fleet.secret, now=lambda: time.time() - age_s)
        return tokens.mint(operator_principal(), service)

    def signed(self, body: bytes, *, age_s: float = 0.0) -> str:
        secret = secrets_file.load_or_make(self._fleet.layout).webhook_secrets[0]
        return webhook_signatures.sign(secret, body, at=int(time.time() - age_s))

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[Any]:
        async with superuser(self._fleet, service, name="witness") as connection:
            return await connection.fetch(query, *arguments)

    async def written(self, text: str) -> bool:
        return await asyncio.to_thread(is_written, self._fleet.layout.logs, text)

    async def logged(self, service: str, trace_ids: Collection[str]) -> bool:
        """Logs are written in small batches: looked at again for a moment."""
        until = time.monotonic() + LOG_DEADLINE_S
        while not await asyncio.to_thread(
            logged_traces, self._fleet.layout.logs, service, trace_ids, since=self._since
        ):
            if time.monotonic() > until:
                return False
            await asyncio.sleep(LOG_POLL_S)
        return True


class PenTest:
    """The workload of incident 04."""

    async def prepare(self, fleet: Fleet, parameters: PenTestParameters, *, seed: int) -> PenTestStage:
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        sold = Article(
            sku=f"KEY-{name}",
            title=f"Padlock {name[-8:]}",
            category="household",
            price_minor=PRICE_MINOR,
            currency=CURRENCY,
            units=UNITS,
        )
        await put_on_sale(fleet, sold)
        customers = await people(fleet, [f"honest-{number:03}@pentest.example" for number in range(CUSTOMERS)])
        return PenTestStage(
            parameters=parameters,
            seed=seed,
            fleet=fleet,
            name=name,
            sold=sold,
            customers=tuple(customers),
            opened_at=opened_at,
        )

    async def play(self, stage: PenTestStage, history: HistoryWriter, cues: Cues) -> LoadReport:
        raise_file_limit()
        over = asyncio.Event()
        async with Client.open(history, gateway_url=stage.fleet.gateway_url) as client, aiohttp.ClientSession() as http:
            honest = _Honest(stage, history, client, http)
            arrivals = _arrivals(stage.parameters.honest_per_s, over)
            served = asyncio.create_task(play(arrivals, honest.visit), name="honest traffic")
            try:
                await asyncio.sleep(stage.parameters.baseline_s)
                succeeded = await _attack(stage, history, cues)
            finally:
                over.set()
                load = (await served).load
        figures = {**load.figures, "attacks": len(PROBES) * stage.parameters.rounds, "succeeded": succeeded}
        return LoadReport(figures=figures, problems=load.problems)

    def facts(self, stage: PenTestStage, report: LoadReport) -> WorkloadFacts:
        del report
        at = stage.opened_at
        return WorkloadFacts(skus=[stage.sold.sku], supply=[SupplyStep(stage.sold.sku, UNITS, at, at, opening=True)])


async def _attack(stage: PenTestStage, history: HistoryWriter, cues: Cues) -> int:
    """Play every attack; gives how many succeeded."""
    site = FleetSite(stage.fleet, since=stage.opened_at)
    before, last = await standing(site), await last_event(site)
    succeeded = 0
    every = [probe for _ in range(stage.parameters.rounds) for probe in PROBES]
    for number, probe in enumerate(every):
        next_at = time.monotonic() + stage.parameters.every_s
        succeeded += await _strike(probe, site, Grounds(site, crowd=stage.parameters.crowd), history, number=number)
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        cues.done((number + 1) / len(every))
    invocation = history.invoke(history.new_process(), AFTERMATH)
    history.ok(invocation, value=await aftermath(site, before, after_event=last))
    return succeeded


async def _strike(probe: Probe, site: FleetSite, grounds: Grounds, history: HistoryWriter, *, number: int) -> bool:
    invocation = history.invoke(history.new_process(), ATTACK, key=probe.card.id, value=probe.card)
    try:
        outcome = await probe.strike(site, grounds, number=number)
    except (ProbeBlockedError, UnpreparedError) as error:
        history.info(invocation, error=str(error))
        return False
    except AWAY as error:
        history.info(invocation, error=f"{type(error).__name__}: {error}")
        return False
    if outcome.gains:
        history.ok(invocation, value=outcome)
    else:
        history.fail(invocation, error="repelled", value=outcome)
    return bool(outcome.gains)


class _Honest:
    """Customers who come in turn; each request is one operation of the history."""

    def __init__(
        self, stage: PenTestStage, history: HistoryWriter, client: Client, http: aiohttp.ClientSession
    ) -> None:
        self._stage = stage
        self._history = history
        self._client = client
        self._http = http
        self._chance = random.Random(stage.seed)
        sku = stage.sold.sku.lower()
        self._looks = (
            f"/products/{sku}",
            "/products?limit=20",
            f"/search?q={stage.name[-8:].lower()}",
            "/categories",
            "/cart",
            "/orders?limit=5",
        )

    async def visit(self, number: int) -> None:
        """One request of one customer."""
        customer = self._stage.customers[number % len(self._stage.customers)]
        if self._chance.random() < self._stage.parameters.buy_share:
            line = WantedLine(self._stage.sold.sku, 1)
            await self._client.insist(place_order(customer, key=f"{self._stage.name}-{number}", lines=(line,)))
            return
        await self._look(customer, self._looks[number % len(self._looks)])

    async def _look(self, customer: Person, path: str) -> None:
        invocation = self._history.invoke(self._history.new_process(), HONEST, value=path)
        url = f"{self._stage.fleet.gateway_url}/api/v1{path}"
        headers = {"Authorization": f"Bearer {customer.access_token}"}
        try:
            async with asyncio.timeout(PATIENCE_S), self._http.get(url, headers=headers) as answer:
                await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._history.info(invocation, error=type(error).__name__)
            return
        trace_id = answer.headers.get("X-Trace-Id", "")
        if answer.status == 200:
            self._history.ok(invocation, trace_id=trace_id)
        else:
            self._history.fail(invocation, error=str(answer.status), trace_id=trace_id)


def _arrivals(per_s: float, over: asyncio.Event) -> Iterator[float]:
    """At a constant rate until it is over."""
    moments = (number / per_s for number in itertools.count())
    return itertools.takewhile(lambda _: not over.is_set(), moments)
