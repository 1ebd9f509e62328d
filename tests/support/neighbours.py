"""The services that orders calls, each as the real one and as its fake, behind the same few words.

What a test needs done that no caller of theirs can do (goods on a shelf, a price) each does in its own way.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from redis.asyncio import Redis

from shared.service_registry import Registry
from tests.support.engines import EngineUrls
from tests.support.fakes.shop import Shop, shop
from tests.support.searching import imported, item
from tests.support.services import Served, served, topics
from tests.support.stocking import receive

KINDS = ("fake", "real")
Goods = Mapping[str, tuple[int, int]]
"""SKU → units on the shelf, price in cents."""


@dataclass
class Neighbour:
    """One service, answering."""

    url: str
    headers: dict[str, str]
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        """Status and JSON body."""
        async with self.http.request(method, self.url + path, headers=self.headers, **kwargs) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def neighbour(
    engines: EngineUrls, prefix: str, service: str, kind: str, goods: Goods
) -> AsyncIterator[Neighbour]:
    """The service of that name with these goods, of that kind."""
    if kind == "fake":
        async with shop(engines.redis, prefix) as fakes, aiohttp.ClientSession() as http:
            _equip(fakes, goods)
            yield Neighbour(await _url(engines, prefix, service), {}, http)
        return
    async with topics(engines, prefix), served(engines, service, prefix=prefix) as real:
        await _stock(real, goods)
        yield Neighbour(real.url, real.headers(), real.http)


def _equip(fakes: Shop, goods: Goods) -> None:
    fakes.inventory.stock = {sku: units for sku, (units, _) in goods.items()}
    fakes.catalog.prices = {sku: (price, "EUR") for sku, (_, price) in goods.items()}


async def _stock(real: Served, goods: Goods) -> None:
    if real.name == "inventory":
        for sku, (units, _) in goods.items():
            await receive(real, sku, units, reference=f"all of {sku}")
    if real.name == "catalog":
        await imported(real, *(item(f"Product {sku}", sku, price) for sku, (_, price) in goods.items()))


async def _url(engines: EngineUrls, prefix: str, service: str) -> str:
    redis = Redis.from_url(engines.redis)
    try:
        (one,) = await Registry(redis, prefix).instances(service)
        return one.url
    finally:
        await redis.aclose()
