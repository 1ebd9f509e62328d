"""A rebuild beside writes: nothing is lost, and it makes the very documents that events made."""

import asyncpg
import pytest
from elasticsearch import AsyncElasticsearch

from shared.contracts.inventory import StockAdjusted
from svc.search.clients import CatalogClient
from tests.support.searching import found, imported, item, shop, total_is
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("search")

LAMPS = [item(f"Lamp {n:03}", f"LAMP-{n:03}", 1_000 + n) for n in range(250)]
PAGES = 3


def interrupted():
    """A catalog that lets something else happen between reading a page and handing it over: the worst moment."""

    class Interrupted(CatalogClient):
        pages = 0
        meanwhile = None

        async def page(self, cursor, *, limit):
            page = await super().page(cursor, limit=limit)
            Interrupted.pages += 1
            await Interrupted.meanwhile(Interrupted.pages)
            return page

    return Interrupted


class FakeStock:
    """Inventory, of which everything is sold out."""

    def __init__(self, client):
        del client

    async def available(self, skus):
        return dict.fromkeys(skus, 0)


async def rebuilt(search):
    _, asked = await search.call("POST", "/internal/reindex")

    async def completed():
        _, build = await search.call("GET", "/internal/reindex")
        return build if build["status"] == "completed" and build["id"] == asked["id"] else None

    return await until(completed, deadline_s=60)


async def contents(engines, index):
    """Every document of the index as the engine has it, with the version it was written with."""
    async with AsyncElasticsearch(engines.elasticsearch) as client:
        await client.indices.refresh(index=index)
        answer = await client.search(index=index, size=1_000, version=True)
    return {hit["_id"]: (hit["_version"], hit["_source"]) for hit in answer["hits"]["hits"]}


async def value(search, statement, *arguments):
    connection = await asyncpg.connect(search.settings.database_url)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def settled(search):
    """Nothing waits for the index any more."""
    waiting = "SELECT count(*) FROM documents WHERE indexed_version < version OR indexed_changes < changes"
    return not await value(search, waiting)


async def knows(search, sku, skus):
    """The product of one SKU was heard of, and the stock of the others was looked at."""
    product = "SELECT count(*) FROM documents WHERE jsonb_path_query_array(body, '$.variants[*].sku') ? $1"
    looked = "SELECT count(*) FROM stock_seen WHERE sku = ANY($1::text[]) AND seen = marks"
    return await value(search, product, sku) and await value(search, looked, skus) == len(skus)


async def everything(catalog):
    """What customers see, by id."""
    seen, cursor = {}, None
    while True:
        params = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        _, page = await catalog.call("GET", "/api/v1/products", params=params, anonymous=True)
        seen |= {product["id"]: product for product in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


async def test_writes_during_a_rebuild_are_all_in_the_new_index(engines, prefix, indexes):
    catalog_of_search = interrupted()
    parts = {"catalog": catalog_of_search, "stock": FakeStock}
    async with shop(engines, prefix, LAMPS, parts=parts, index_interval_s=0.1, stock_look_s=0.1) as (catalog, search):
        gone = (await found(search, sort="title", limit=1))["items"][0]

        async def meanwhile(number):
            """Dearer, new and deleted ones, and sold-out ones, each known to search before the page is."""
            await imported(
                catalog,
                *(item(f"Lamp {n:03}", f"LAMP-{n:03}", 5_000 + number) for n in range(number, 250, 25)),
                item(f"New {number}", f"NEW-{number}"),
            )
            skus = [f"LAMP-{n:03}" for n in range(number, 250, 50)]
            told = [StockAdjusted(sku=sku, warehouse="main", on_hand=0, available=0, quantity=-1) for sku in skus]
            await publish(engines, prefix, *(envelope(it, f"main/{it.sku}", number) for it in told))
            if number == PAGES:
                status, _ = await catalog.call("DELETE", f"/api/v1/products/{gone['id']}", headers={"If-Match": '"1"'})
                assert status == 204
            await until(lambda: knows(search, f"NEW-{number}", skus))

        catalog_of_search.meanwhile = staticmethod(meanwhile)
        build = await rebuilt(search)
        assert catalog_of_search.pages >= PAGES
        assert build["expected"] >= 250
        await until(lambda: settled(search))
        wanted = await everything(catalog)
        has = {product: source for product, (_, source) in (await contents(engines, indexes)).items()}
        assert has.keys() == wanted.keys()
        for product, shown in wanted.items():
            assert has[product]["title"] == shown["title"]
            assert [offer["price_minor"] for offer in has[product]["offers"]] == [
                int(variant["price"]["amount"].replace(".", "")) for variant in shown["variants"]
            ]
        sold_out = {source["variants"][0]["sku"] for source in has.values() if source["sold_out"]}
        assert {f"LAMP-{n:03}" for number in range(1, PAGES + 1) for n in range(number, 250, 50)} <= sold_out


async def test_a_rebuild_makes_byte_for_byte_what_events_made(engines, prefix, indexes):
    goods = [
        item(f"Lamp {n}", f"LAMP-{n}", options={"size": str(n % 3)}, attributes={"legs": str(n)}, seller_id=f"s{n % 2}")
        for n in range(20)
    ]
    async with shop(engines, prefix, goods, parts={"stock": FakeStock}, index_interval_s=0.1, stock_look_s=0.1) as both:
        catalog, search = both
        told = [StockAdjusted(sku=f"LAMP-{n}", warehouse="main", on_hand=0, available=0) for n in range(0, 20, 3)]
        await publish(engines, prefix, *(envelope(it, f"main/{it.sku}", 1) for it in told))
        await imported(catalog, *(item(f"Lamp {n}", f"LAMP-{n}", 7) for n in range(5)))
        await until(lambda: knows(search, "LAMP-0", [it.sku for it in told]))
        await until(lambda: settled(search))
        before = await contents(engines, indexes)
        assert {source["sold_out"] for _, source in before.values()} == {True, False}
        await rebuilt(search)
        assert await contents(engines, indexes) == before


async def test_a_search_during_a_rebuild_always_finds_everything(engines, prefix, indexes):
    catalog_of_search = interrupted()
    async with shop(engines, prefix, LAMPS[:120], parts={"catalog": catalog_of_search}) as (_, search):

        async def meanwhile(number):
            del number
            assert await total_is(search, 120)

        catalog_of_search.meanwhile = staticmethod(meanwhile)
        build = await rebuilt(search)
        assert (build["documents"], catalog_of_search.pages) == (120, 2)
        assert await total_is(search, 120)
