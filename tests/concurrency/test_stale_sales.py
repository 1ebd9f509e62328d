"""Prices and products that change while fifty buyers order, over two instances of orders and two of the catalog.

An order that begins after a change was acknowledged is of the changed product, however warm the caches are; the bound
is written in docs/decisions/0026-stale-pages.md.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.builders.orders import customer, place
from tests.support.cataloguing import created
from tests.support.fakes.shop import shop
from tests.support.racing import AT_ONCE, pair, race
from tests.support.services import until

pytestmark = [pytest.mark.service("orders", "catalog"), pytest.mark.timeout(180)]

SLOW_TO_FORGET = {"product_ttl_s": 600.0}
PATIENT = {"prices_timeout_s": 20.0, "quote_timeout_s": 20.0, "reserve_timeout_s": 20.0, "price_ttl_s": 600.0}
"""Limits that a busy machine does not reach, and prices shown that outlive the test."""
OLD, NEW = "9.90", "5.00"


class Market:
    """One product that changes, and buyers of it."""

    def __init__(self, catalogs, desks, product):
        self.catalogs, self.desks, self.product = catalogs, desks, product
        self.acknowledged = asyncio.Event()

    async def cheaper(self):
        await self._change("PUT", "/variants/RED", {"prices": [{"amount": NEW, "currency": "EUR"}]})

    async def archived(self):
        await self._change("PATCH", "", {"status": "archived"})

    async def _change(self, method, below, body):
        path = f"/api/v1/products/{self.product['id']}{below}"
        status, changed = await self.catalogs[0].call(method, path, json=body, headers={"If-Match": '"1"'})
        assert status == 200, changed
        self.acknowledged.set()

    async def seen(self):
        """The page and a cart with the product, so that every cache has them."""
        for at in self.catalogs:
            await at.call("GET", f"/api/v1/products/{self.product['id']}")
        for at in self.desks:
            status, cart = await at.call(
                "POST", "/api/v1/cart/items", principal=customer(), json={"sku": "RED", "quantity": 1}
            )
            assert (status, cart["lines"][0]["unit_price"]["amount"]) == (201, OLD), cart

    async def ordered(self, change):
        """Outcomes of orders that began before the change was acknowledged, and of those that began after it."""
        before, after = set[str](), set[str]()

        async def order(at, _):
            while True:
                knows = self.acknowledged.is_set()
                status, answer = await place(at, customer(), ("RED", 1))
                outcome = answer["lines"][0]["unit_price"]["amount"] if status == 201 else answer["code"]
                (after if knows else before).add(outcome)
                if knows or status >= 500:
                    return status, answer

        await asyncio.gather(race(self.desks, order, of=AT_ONCE), change())
        return before, after


async def test_nobody_of_fifty_buys_at_a_price_that_was_changed_before_they_ordered(engines, prefix):
    async with _market(engines, prefix) as market:
        before, after = await market.ordered(market.cheaper)
        assert before <= {OLD, NEW}
        assert after == {NEW}


async def test_nobody_of_fifty_buys_what_was_archived_before_they_ordered(engines, prefix):
    async with _market(engines, prefix) as market:
        before, after = await market.ordered(market.archived)
        assert before <= {OLD, "product_unavailable"}
        assert after == {"product_unavailable"}


@asynccontextmanager
async def _market(engines, prefix):
    async with (
        shop(engines.redis, prefix, without=("catalog",)) as fakes,
        pair(engines, "catalog", prefix, **SLOW_TO_FORGET) as catalogs,
        pair(engines, "orders", prefix, **PATIENT) as desks,
    ):
        fakes.inventory.stock["RED"] = 10_000
        product = await created(catalogs[0])

        async def is_found(at):
            return (await place(at, customer(), ("RED", 1)))[0] == 201

        for at in desks:
            await until(lambda at=at: is_found(at))
        market = Market(catalogs, desks, product)
        await market.seen()
        yield market
