"""Inventory, catalog and shipping in one small HTTP server each, as far as orders calls them.

They keep the contracts (a hold per reservation id, repeats change nothing) and can be told to be slow, to break
before or after the effect, and to refuse. Registered under the test's own prefix, so the real client finds them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from aiohttp import web
from redis.asyncio import Redis

from shared.service_registry import Registry

NAMESPACE = UUID("11111111-2222-3333-4444-555555555555")
BEAT_S = 0.4
SHIPPED_FOR = frozenset(
    "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF CAD AUD JPY KRW BHD KWD TND INR".split()  # noqa: SIM905 read as one line
)
"""Currencies of the rate table that shipping begins with."""
Behaviour = Callable[[], Coroutine[Any, Any, web.Response | None]]


def product_id(sku: str) -> UUID:
    return uuid5(NAMESPACE, sku)


@dataclass
class FakeInventory:
    """`plan` holds one word per coming reserve call: ok, fail_before, fail_after, hang_before, hang_after, slow,
    refuse_oddly.

    What hangs goes on, late, once `resume` is set; `late` counts those that did.
    """

    stock: dict[str, int] = field(default_factory=dict)
    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan: deque[str] = field(default_factory=deque)
    down: bool = False
    show_delay_s: float = 0.0
    late: int = 0
    calls: list[str] = field(default_factory=list)
    on_held: Callable[[], None] = lambda: None
    may_show: asyncio.Event | None = None
    """What `show` waits for."""
    resume: asyncio.Event = field(default_factory=asyncio.Event)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/internal/reservations", self._reserve),
            web.get("/internal/reservations/{id}", self._show),
            web.post("/internal/reservations/{id}/pin", self._pin),
            web.post("/internal/reservations/{id}/release", self._release),
        ]

    def held_units(self, sku: str) -> int:
        return sum(
            line["quantity"]
            for hold in self.holds.values()
            if hold["status"] in {"held", "committed"}
            for line in hold["lines"]
            if line["sku"] == sku
        )

    async def _reserve(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append(f"reserve {body['reservation_id']}")
        if self.down:
            return problem(503, "database_unavailable")
        step = self.plan.popleft() if self.plan else "ok"
        if step == "fail_before":
            return problem(500, "internal_error")
        if step == "hang_before":
            await self.resume.wait()
        if step == "refuse_oddly":
            return problem(418, "teapot")
        answer = self._hold(body)
        self.late += step == "hang_before"
        if answer.status == 201:
            self.on_held()
        if step == "fail_after":
            return problem(500, "internal_error")
        if step == "hang_after":
            await self.resume.wait()
            self.late += 1
        if step == "slow":
            await asyncio.sleep(0.3)
        return answer

    def _hold(self, body: dict[str, Any]) -> web.Response:
        known = self.holds.get(body["reservation_id"])
        if known is not None:
            return web.json_response(known, status=201)
        for line in body["lines"]:
            if line["sku"] not in self.stock:
                return problem(404, "unknown_sku", sku=line["sku"])
            available = self.stock[line["sku"]] - self.held_units(line["sku"])
            if available < line["quantity"]:
                return problem(
                    409, "insufficient_stock", sku=line["sku"], requested=line["quantity"], available=available
                )
        hold = {
            "reservation_id": body["reservation_id"],
            "status": "held",
            "expires_at": "2099-01-01T00:00:00Z",
            "lines": body["lines"],
        }
        self.holds[body["reservation_id"]] = hold
        return web.json_response(hold, status=201)

    async def _pin(self, request: web.Request) -> web.Response:
        self.calls.append(f"pin {request.match_info['id']}")
        if self.down:
            return problem(503, "database_unavailable")
        hold = self.holds.get(request.match_info["id"])
        return web.json_response(hold) if hold else problem(404, "unknown_reservation")

    async def _show(self, request: web.Request) -> web.Response:
        self.calls.append(f"show {request.match_info['id']}")
        await asyncio.sleep(self.show_delay_s)
        if self.may_show is not None:
            await self.may_show.wait()
        if self.down:
            return problem(503, "database_unavailable")
        hold = self.holds.get(request.match_info["id"])
        return web.json_response(hold) if hold else problem(404, "unknown_reservation")

    async def _release(self, request: web.Request) -> web.Response:
        self.calls.append(f"release {request.match_info['id']}")
        if self.down:
            return problem(503, "database_unavailable")
        unheard_of = {"reservation_id": request.match_info["id"], "expires_at": "2099-01-01T00:00:00Z", "lines": []}
        hold = self.holds.setdefault(request.match_info["id"], {**unheard_of, "status": "released"})
        if hold["status"] == "committed":
            return problem(409, "reservation_ended")
        hold["status"] = "released"
        return web.json_response(hold)


@dataclass
class FakeCatalog:
    prices: dict[str, tuple[int, str]] = field(default_factory=dict)
    tax_classes: dict[str, str] = field(default_factory=dict)
    """Of the SKUs that are not taxed as all others."""
    sellers: dict[str, str] = field(default_factory=dict)
    """Of the SKUs that are not the shop's own."""
    inactive: set[str] = field(default_factory=set)
    down: bool = False
    calls: int = 0
    may_tell: asyncio.Event | None = None
    """What reads wait for."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/internal/variants", self._variants)]

    async def _variants(self, request: web.Request) -> web.Response:
        self.calls += 1
        if self.may_tell is not None:
            await self.may_tell.wait()
        if self.down:
            return problem(503, "database_unavailable")
        skus = request.query["skus"].split(",")
        return web.json_response(
            {
                "items": [
                    {
                        "sku": sku,
                        "product_id": str(product_id(sku)),
                        "title": f"Product {sku}",
                        "price_minor": self.prices[sku][0],
                        "currency": self.prices[sku][1],
                        "status": "archived" if sku in self.inactive else "active",
                        "tax_class": self.tax_classes.get(sku, "standard"),
                        "seller_id": self.sellers.get(sku),
                    }
                    for sku in skus
                    if sku in self.prices
                ]
            }
        )


@dataclass
class FakeShipping:
    amount_minor: int = 499
    express_minor: int = 1_299
    by_express: bool = True
    """Whether it sends anything by express."""
    free_from_minor: int = 1_000_000
    currencies: frozenset[str] = SHIPPED_FOR
    carrier: str = "parcelpost"
    lifetime_s: float = 900.0
    undeliverable: set[str] = field(default_factory=set)
    """Postal codes that no post of any country has."""
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Those of customers."""
    down: bool = False
    calls: int = 0
    """For quotes."""
    looked_up: int = 0
    checked: int = 0
    goods: str = "withheld"
    """The answer to the wish to keep goods here: withheld, too_late or undecided."""
    asked: list[str] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/internal/quotes", self._quote),
            web.get("/internal/quotes/{id}", self._quoted),
            web.post("/api/v1/shipping/addresses/check", self._check),
            web.post("/internal/orders/{id}/withhold", self._withhold),
        ]

    async def _withhold(self, request: web.Request) -> web.Response:
        self.asked.append(request.match_info["id"])
        if self.down:
            return problem(503, "database_unavailable")
        return web.json_response({"outcome": self.goods})

    async def _quote(self, request: web.Request) -> web.Response:
        """A quote of the real shape; one with a customer is kept."""
        self.calls += 1
        wish = await request.json()
        if self.down:
            return problem(503, "database_unavailable")
        method, currency = wish["method"], wish["currency"]
        if currency not in self.currencies:
            return problem(422, "currency_not_served", currency=currency)
        if method == "express" and not self.by_express:
            return problem(422, "country_not_served", method=method)
        if wish["postal_code"] in self.undeliverable:
            return problem(422, "invalid_address", field="postal_code")
        amount_minor = self.express_minor if method == "express" else self.amount_minor
        free = method == "standard" and wish["subtotal_minor"] >= self.free_from_minor
        quote = {
            "id": str(uuid4()),
            "customer_id": wish["customer_id"],
            "country": wish["country"],
            "postal_code": wish["postal_code"] and wish["postal_code"].upper(),
            "method": method,
            "carrier": self.carrier,
            "currency": currency,
            "amount_minor": 0 if free else amount_minor,
            "parcels": 1,
            "deliver_by": "2099-01-04",
            "expires_at": (datetime.now(UTC) + timedelta(seconds=self.lifetime_s)).isoformat(),
            "goods": wish["lines"],
        }
        if wish["customer_id"]:
            self.quotes[quote["id"]] = quote
        return web.json_response(quote, status=201)

    async def _quoted(self, request: web.Request) -> web.Response:
        self.looked_up += 1
        if self.down:
            return problem(503, "database_unavailable")
        quote = self.quotes.get(request.match_info["id"])
        if quote is None or quote["customer_id"] != request.query["customer_id"]:
            return problem(404, "unknown_quote")
        if request.query.get("ended") != "true" and datetime.fromisoformat(quote["expires_at"]) <= datetime.now(UTC):
            return problem(409, "quote_expired", expired_at=quote["expires_at"])
        return web.json_response(quote)

    async def _check(self, request: web.Request) -> web.Response:
        self.checked += 1
        if self.down:
            return problem(503, "database_unavailable")
        address = await request.json()
        if address["postal_code"] in self.undeliverable:
            return problem(422, "invalid_address", field="postal_code")
        return web.json_response({**address, "postal_code": address["postal_code"].upper()})


@dataclass
class Shop:
    inventory: FakeInventory
    catalog: FakeCatalog
    shipping: FakeShipping
    beating: asyncio.Event
    """Cleared: all three go on serving, and are late to say so, as on a machine that is too busy."""


@asynccontextmanager
async def shop(redis_url: str, prefix: str, *, without: tuple[str, ...] = ()) -> AsyncIterator[Shop]:
    """The three fakes, running and registered; a SKU "A" at 10.00 EUR with 1,000 in stock to begin with."""
    fakes = Shop(
        FakeInventory(stock={"A": 1_000, "B": 1_000}),
        FakeCatalog(prices={"A": (1000, "EUR"), "B": (2550, "EUR")}),
        FakeShipping(),
        asyncio.Event(),
    )
    fakes.beating.set()
    redis = Redis.from_url(redis_url)
    registry = Registry(redis, prefix)
    beats: list[asyncio.Task[None]] = []
    runners: list[web.AppRunner] = []
    try:
        for name, fake in (("inventory", fakes.inventory), ("catalog", fakes.catalog), ("shipping", fakes.shipping)):
            if name in without:
                continue
            app = web.Application()
            app.add_routes(fake.routes())
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            runners.append(runner)
            port = runner.addresses[0][1]
            await registry.heartbeat(name, f"{name}-1", f"http://127.0.0.1:{port}")
            beats.append(asyncio.create_task(_beat(registry, name, port, fakes.beating)))
        yield fakes
    finally:
        for beat in beats:
            beat.cancel()
        for runner in runners:
            await runner.cleanup()
        await redis.aclose()


async def _beat(registry: Registry, name: str, port: int, beating: asyncio.Event) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        await beating.wait()
        await registry.heartbeat(name, f"{name}-1", f"http://127.0.0.1:{port}")


def problem(status: int, code: str, **extra: Any) -> web.Response:
    return web.json_response(
        {"type": "about:blank", "title": code, "status": status, "detail": code, "code": code, **extra},
        status=status,
        content_type="application/problem+json",
    )
