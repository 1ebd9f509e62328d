"""A fleet of a benchmark's own, with goods on the shelf and people who order them at a constant pace."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import aiohttp
import asyncpg
import msgspec

from compose import launch, secrets_file, state
from compose.layout import Layout
from shared.identity import HEADER, InternalTokens, operator_principal

CUSTOMERS = 300
UNITS = 1_000_000
TOKEN_TTL_S = 600
KNOWN_LIMIT_S = 60.0
ASK_EVERY_S = 0.2
ANSWER_LIMIT_S = 30.0
ADDRESS = {"name": "A. Buyer", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}
CREATED, OK, NOT_FOUND = 201, 200, 404
BUSY = (503, 504)


class Accepted(msgspec.Struct, frozen=True):
    """An order that was acknowledged, when (epoch seconds), and how long its request took."""

    order_id: UUID
    at: float
    took_ms: float


class Shop:
    """The running fleet of a benchmark. Open it as a context manager; it holds one HTTP session."""

    def __init__(self, layout: Layout, stack: state.StackState) -> None:
        self.layout = layout
        self.stack = stack
        self._tokens = InternalTokens(secrets_file.load_or_make(layout).internal_secret)
        self._http: aiohttp.ClientSession | None = None
        self._customers: list[str] = []
        self._skus: list[str] = []

    async def __aenter__(self) -> Self:
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
        self._http = aiohttp.ClientSession(timeout=limit, connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()

    async def open_doors(self, *, goods: int) -> None:
        """So many products in stock, and customers with tokens."""
        self._skus = [f"BENCH-{uuid.uuid4().hex[:8].upper()}" for _ in range(goods)]
        await self._operate("catalog", "/internal/products/import", {"items": [_product(sku) for sku in self._skus]})
        await self._shelve([{"sku": sku, "quantity": UNITS, "reference": f"opening {sku}"} for sku in self._skus])
        people = [
            {"email": f"bench{n}@example.com", "name": "A. Buyer", "roles": ["customer"]} for n in range(CUSTOMERS)
        ]
        made = await self._operate("auth", "/internal/users/import", {"items": people})
        wish = {"subjects": [item["user_id"] for item in made["items"]], "ttl_s": TOKEN_TTL_S}
        tokens = await self._operate("auth", "/internal/tokens", wish)
        self._customers = [item["access_token"] for item in tokens["items"]]

    async def orders(self, *, per_s: float, seconds: float, through_cart: bool = False) -> list[Accepted | None]:
        """Orders placed at a constant pace, whatever the answers take; None for each that a busy shop put off.

        The customers and the goods take turns; `through_cart` puts the goods into a cart first and orders that.
        """
        began = time.monotonic()
        asked: list[asyncio.Task[Accepted | None]] = []
        for number in range(int(per_s * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
            token, sku = self._customers[number % len(self._customers)], self._skus[number % len(self._skus)]
            asked.append(asyncio.create_task(self._by_cart(token, sku) if through_cart else self._order(token, sku)))
        return list(await asyncio.gather(*asked))

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Ask a service's audit views."""
        connection = await asyncpg.connect(self.stack.audit_url.format(database=service))
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def _by_cart(self, token: str, sku: str) -> Accepted | None:
        status, content = await self._ask_as(token, "/api/v1/cart/items", {"sku": sku, "quantity": 1})
        if status in BUSY:
            return None
        if status != CREATED:
            raise RuntimeError(f"a cart was answered {status}: {content[:300]!r}")
        return await self._order(token)

    async def _order(self, token: str, sku: str = "") -> Accepted | None:
        """Without an SKU the cart is bought."""
        wish: dict[str, object] = {"payment_method": "tok_visa", "shipping_address": ADDRESS}
        if sku:
            wish["items"] = [{"sku": sku, "quantity": 1}]
        began = time.perf_counter()
        status, content = await self._ask_as(token, "/api/v1/orders", wish)
        if status in BUSY:
            return None
        if status != CREATED:
            raise RuntimeError(f"an order was answered {status}: {content[:300]!r}")
        return Accepted(UUID(msgspec.json.decode(content)["id"]), time.time(), (time.perf_counter() - began) * 1000)

    async def _ask_as(self, token: str, path: str, wish: object) -> tuple[int, bytes]:
        """Status and content of a customer's POST at the gateway."""
        assert self._http is not None, "the shop is not open"
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        url = f"http://127.0.0.1:{self.layout.port('gateway')}{path}"
        async with self._http.post(url, json=wish, headers=headers) as answer:
            return answer.status, await answer.read()

    async def _shelve(self, deliveries: Sequence[dict[str, object]]) -> None:
        """Book goods in, as soon as inventory has heard of all of them."""
        async with asyncio.timeout(KNOWN_LIMIT_S):
            while await self._operate("inventory", "/internal/stock/import", {"items": deliveries}) is None:
                await asyncio.sleep(ASK_EVERY_S)

    async def _operate(self, service: str, path: str, wish: object) -> Any:
        """The answer to an operator's POST; None for 404. Raises RuntimeError for any other refusal."""
        assert self._http is not None, "the shop is not open"
        headers = {HEADER: self._tokens.mint(operator_principal(), service)}
        url = f"http://127.0.0.1:{self.layout.port(service)}{path}"
        async with self._http.post(url, json=wish, headers=headers) as answer:
            content = await answer.read()
        if answer.status == NOT_FOUND:
            return None
        if answer.status not in {OK, CREATED}:
            raise RuntimeError(f"{service} answered {answer.status} to {path}: {content[:300]!r}")
        return msgspec.json.decode(content)


def _product(sku: str) -> dict[str, object]:
    variant = {"sku": sku, "options": {"size": "M"}, "price_minor": 1_000, "currency": "EUR"}
    return {
        "slug": sku.lower(), "title": f"What everybody orders, {sku}", "description": "It is in stock.",
        "category": "bench", "status": "active", "tax_class": "standard", "variants": [variant],
    }  # fmt: skip


@contextlib.asynccontextmanager
async def own_shop(home: Path, *, port_base: int, goods: int = 1) -> AsyncGenerator[Shop]:
    """A whole fleet on ports from `port_base` that sells so many products, stopped and deleted at the end."""
    try:
        await asyncio.to_thread(launch.up, home, port_base=port_base)
        async with Shop(*state.running(home)) as shop:
            await shop.open_doors(goods=goods)
            yield shop
    finally:
        await asyncio.to_thread(launch.down, home, wipe=True)
