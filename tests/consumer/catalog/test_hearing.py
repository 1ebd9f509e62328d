"""What the catalog shows after events of stock and of its own changes."""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from shared.contracts.catalog import PriceChanged
from shared.contracts.inventory import StockAdjusted
from tests.support.cataloguing import ADMIN, CUSTOMER, created, imported, item
from tests.support.services import envelope, publish, served, topics, until

pytestmark = pytest.mark.service("catalog")

KEPT_LONG = {"product_ttl_s": 600.0, "stock_look_s": 0.1}


class FakeStock:
    """Inventory as the badge asks it; `asked` counts questions."""

    left: dict[str, int] = {}  # noqa: RUF012 one per test, set by it
    asked = 0

    def __init__(self, client):
        del client

    async def available(self, skus):
        FakeStock.asked += 1
        return {sku: FakeStock.left[sku] for sku in skus if sku in FakeStock.left}


@asynccontextmanager
async def _catalog(engines, prefix):
    FakeStock.left, FakeStock.asked = {}, 0
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix, parts={"stock": FakeStock}, **KEPT_LONG) as catalog,
    ):
        yield catalog


def _adjusted(sku="RED"):
    return StockAdjusted(sku=sku, warehouse="main", on_hand=9, available=9, quantity=9)


async def _badge(catalog, product):
    _, shown = await catalog.call("GET", f"/api/v1/products/{product['id']}", anonymous=True)
    return shown["variants"][0].get("availability")


async def _execute(catalog, statement, *values):
    connection = await asyncpg.connect(catalog.settings.database_url)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


async def test_the_badge_follows_what_inventory_says_whatever_the_events_said(engines, prefix):
    async with _catalog(engines, prefix) as catalog:
        product = await created(catalog)
        assert await _badge(catalog, product) is None
        for version, (left, expected) in enumerate([(20, "in_stock"), (3, "low_stock"), (0, "out_of_stock")], start=1):
            FakeStock.left["RED"] = left
            await publish(engines, prefix, envelope(_adjusted(), "main/RED", version))

            async def shown(expected=expected):
                return await _badge(catalog, product) == expected

            await until(shown)


async def test_a_thousand_events_of_one_sku_cost_few_questions(engines, prefix):
    async with _catalog(engines, prefix) as catalog:
        await created(catalog)
        FakeStock.left["RED"] = 20
        await publish(engines, prefix, *(envelope(_adjusted(), "main/RED", n) for n in range(1, 1_001)))

        async def all_heard():
            heard = await _execute(catalog, "SELECT count(*) FROM inbox WHERE type = 'stock.adjusted'")
            seen = await _execute(catalog, "SELECT seen = marks AS looked_at FROM stock_seen WHERE sku = 'RED'")
            return heard[0]["count"] == 1_000 and seen[0]["looked_at"]

        await until(all_heard)
        assert 1 <= FakeStock.asked < 100


async def test_a_page_goes_by_the_event_of_its_change_when_nobody_else_said_so(engines, prefix):
    async with _catalog(engines, prefix) as catalog:
        product = await created(catalog)
        await catalog.call("GET", f"/api/v1/products/{product['id']}")
        await _execute(catalog, "UPDATE products SET title = 'Changed by one that died' WHERE slug = 'red-mug'")
        await publish(engines, prefix, envelope(PriceChanged(product_id=product["id"], prices={}), uuid4(), 1))

        async def shown():
            _, page = await catalog.call("GET", f"/api/v1/products/{product['id']}")
            return page["title"] == "Changed by one that died"

        await until(shown)


async def test_an_acknowledged_price_or_archiving_is_charged_at_once_and_shown_within_the_life_of_a_page(
    engines, prefix
):
    async with served(engines, "catalog", prefix=prefix, product_ttl_s=1.0) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}"
        await catalog.call("GET", path)
        # as if Redis had been away when the pages were to go, and no event came: only their life is left
        await _execute(catalog, "UPDATE variants SET price_minor = 1 WHERE sku = 'RED'")
        await _execute(catalog, "UPDATE products SET status = 'archived' WHERE slug = 'red-mug'")
        _, priced = await catalog.call("GET", "/internal/variants?skus=RED")
        assert (priced["items"][0]["price_minor"], priced["items"][0]["status"]) == (1, "archived")

        async def gone():
            return (await catalog.call("GET", path, anonymous=True))[0] == 404

        await until(gone, deadline_s=5.0)


async def test_views_are_counted_once_and_shown_to_staff_alone(engines, prefix):
    async with _catalog(engines, prefix) as catalog:
        product = await created(catalog)
        path = f"/api/v1/products/{product['id']}"
        for _ in range(5):
            await catalog.call("GET", path, principal=CUSTOMER)

        async def counted():
            return (await catalog.call("GET", path + "/staff", principal=ADMIN))[1]["views"] == 5

        await until(counted)
        assert "views" not in (await catalog.call("GET", path, principal=CUSTOMER))[1]


async def test_a_warm_up_loads_the_pages_of_an_event_before_anybody_asks(engines, prefix):
    async with _catalog(engines, prefix) as catalog:
        await imported(catalog, item("blue-mug"), item("green-mug"))

        async def heard():  # an import takes its pages from the shelf
            found = await _execute(catalog, "SELECT count(*) FROM inbox WHERE type = 'product.upserted'")
            return found[0][0] == 2

        await until(heard)
        _, page = await catalog.call("GET", "/api/v1/products")
        ids = [one["id"] for one in page["items"]]
        status, asked = await catalog.call(
            "POST", "/internal/warm-up", json={"event": "sale", "product_ids": [*ids, str(uuid4())]}
        )
        assert (status, asked) == (202, {"queued": True})

        async def warm():
            on_shelf = [key async for key in redis.scan_iter(match=f"{prefix}cache:catalog:product:*")]
            return len(on_shelf) == len({*ids, *(one["slug"] for one in page["items"])})

        async with Redis.from_url(engines.redis) as redis:
            await until(warm)
        await _execute(catalog, "UPDATE products SET title = 'beneath'")
        _, shown = await catalog.call("GET", "/api/v1/products/green-mug")
        assert shown["title"] == "Green Mug"
