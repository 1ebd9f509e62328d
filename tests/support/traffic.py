"""People who go on shopping while the fleet is changed, and an exact account of what each was answered.

Every service has a request of its own among them. Whoever gets no definite answer about an order asks again under the
same key, as a browser does.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from scenarios.fleet import Fleet
from scenarios.workloads.market import COUNTRY, Article, Person, address_in, people, put_on_sale
from tests.support.services import until

ORDER = "POST /api/v1/orders"
READS = {
    "auth": "/api/v1/auth/me",
    "catalog": "/api/v1/products?limit=5",
    "inventory": "/api/v1/stock?skus={sku}",
    "orders": "/api/v1/orders?limit=5",
    "payments": "/api/v1/payments?limit=5",
    "shipping": "/api/v1/shipping/rates?country=IE",
    "search": "/api/v1/search?q=mug",
    "notifications": "/api/v1/notifications?limit=5",
    "analytics": "/api/v1/reports/live",
}
"""One request of each service behind the gateway."""
ANSWER_LIMIT_S = 30.0
PAUSE_S = 0.05
REFUSED = 0
"""No address of the gateway took the connection: nothing was sent."""
LOST = 1
"""The connection died under the request."""


@dataclass(frozen=True)
class Asked:
    """One request, with monotonic times; below 100 `status` is `REFUSED` or `LOST`."""

    what: str
    began: float
    ended: float
    status: int
    code: str = ""

    @property
    def failed(self) -> bool:
        return self.status < 100 or self.status >= 500


@dataclass
class Traffic:
    """What was asked so far. `acknowledged` are the ids of orders that somebody was told of."""

    asked: list[Asked] = field(default_factory=list)
    gateways: list[int] = field(default_factory=list)
    """The ports on which gateways listen, the one to be asked first first."""
    acknowledged: set[str] = field(default_factory=set)
    killed_at: list[tuple[float, float]] = field(default_factory=list)
    """From before each kill until the process was gone: until then it took connections, and broke them."""

    async def goes_on(self, answers: int = 5) -> None:
        """Wait until each kind of request has been answered so often again."""
        before = Counter(one.what for one in self.asked)
        kinds = {ORDER, *(f"GET {path}" for path in READS.values())}

        def answered() -> bool:
            now = Counter(one.what for one in self.asked)
            return all(now[kind] >= before[kind] + answers for kind in kinds)

        await until(answered, deadline_s=60)

    def failures(self) -> tuple[list[Asked], list[Asked]]:
        """Those that were in flight at a kill, and those beyond."""
        failed = [one for one in self.asked if one.failed]
        struck = [one for one in failed if any(one.began <= done and one.ended >= at for at, done in self.killed_at)]
        return struck, [one for one in failed if one not in struck]


@asynccontextmanager
async def shopping(fleet: Fleet) -> AsyncGenerator[Traffic]:
    """Traffic that goes on until the block ends, and then comes to its end: no order stays without an answer."""
    sku = f"MUG-{uuid4().hex[:8].upper()}"
    article = Article(sku=sku, title=f"Mug {sku}", category="household", price_minor=900, units=100_000)
    await put_on_sale(fleet, article)
    customers = await people(fleet, [f"shopper-{n}@drill.example" for n in range(40)])
    (admin,) = await people(fleet, ["admin@drill.example"], roles=["admin"])
    traffic, closing = Traffic(gateways=[fleet.layout.port("gateway")]), asyncio.Event()
    limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
    async with aiohttp.ClientSession(timeout=limit, connector=aiohttp.TCPConnector(limit=0)) as http:
        shopper = _Shopper(http, traffic, sku=sku, customers=customers, admin=admin)
        async with asyncio.TaskGroup() as group:
            group.create_task(shopper.buy(closing))
            for path in READS.values():
                group.create_task(shopper.read(path, closing))
            try:
                await traffic.goes_on()
                yield traffic
            finally:
                closing.set()


class _Shopper:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        traffic: Traffic,
        *,
        sku: str,
        customers: Sequence[Person],
        admin: Person,
    ) -> None:
        self._http = http
        self._traffic = traffic
        self._sku = sku
        self._customers = itertools.cycle(customers)
        self._admin = admin

    async def read(self, path: str, closing: asyncio.Event) -> None:
        """The same page again and again, each time by somebody else."""
        while not closing.is_set():
            who = self._admin if path == READS["analytics"] else next(self._customers)
            await self._ask("GET", path, who, what=f"GET {path}")
            await asyncio.sleep(PAUSE_S)

    async def buy(self, closing: asyncio.Event) -> None:
        """Orders beside each other, each until it has a definite answer."""
        async with asyncio.TaskGroup() as group:
            while not closing.is_set():
                group.create_task(self._order(next(self._customers)))
                await asyncio.sleep(2 * PAUSE_S)

    async def _order(self, who: Person) -> None:
        body = {
            "items": [{"sku": self._sku, "quantity": 1}],
            "payment_method": "tok_visa",
            "shipping_address": address_in(COUNTRY),
        }
        key = {"Idempotency-Key": uuid4().hex}

        async def decided() -> Any:
            asked, answer = await self._ask("POST", "/api/v1/orders", who, what=ORDER, json=body, headers=key)
            return answer if asked.status == 201 else None

        answer = await until(decided, deadline_s=60, every_s=0.2)
        self._traffic.acknowledged.add(answer["id"])

    async def _ask(
        self, method: str, path: str, who: Person, *, what: str, json: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[Asked, Any]:
        """At the first of the gateway's ports that takes the connection, as behind a name with two addresses."""
        began = time.monotonic()
        status: int = REFUSED
        answer: Any = None
        for port in list(self._traffic.gateways):
            try:
                async with self._http.request(
                    method,
                    f"http://127.0.0.1:{port}{path.format(sku=self._sku)}",
                    json=json,
                    headers={"Authorization": f"Bearer {who.access_token}", **(headers or {})},
                ) as response:
                    content = await response.read()
                    status, answer = response.status, msgspec.json.decode(content) if content else None
                break
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError):
                status = LOST
                break
        asked = Asked(what, began, time.monotonic(), status, answer["code"] if status >= 400 else "")
        self._traffic.asked.append(asked)
        return asked, answer
