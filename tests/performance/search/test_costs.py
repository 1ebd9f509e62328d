"""What search asks of the engine, of its database and of its neighbours: the same whatever the size."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from svc.search import store
from svc.search.clients import CatalogClient, Engine, SearchEngineUnavailableError
from svc.search.domain import Document, ProductBody, VariantBody
from svc.search.indexing import BATCH_DOCUMENTS_MAX, Indexer
from tests.support.rows import database_for
from tests.support.searching import AT_ONCE, found, imported, item, shop, total_is
from tests.support.services import database_of, free_port, opened_database, served, topics, until
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("search")

SIZES = (1, 10, 50)
LAMPS = [
    item(f"Lamp {n:02}", f"LAMP-{n:02}", 1_000 + n, options={"size": str(n % 5)}, attributes={"legs": str(n % 4)})
    for n in range(60)
]
NARROWED = {
    "option": ["size:1", "size:2"],
    "attribute": "legs:1",
    "min_price": "1",
    "category": "home",
    "sort": "price_asc",
}


def counting():
    """The real engine; `calls` names what it was asked."""

    class Counting(Engine):
        calls = []  # noqa: RUF012 the test's own class

        async def search(self, *arguments, **more):
            Counting.calls.append("search")
            return await super().search(*arguments, **more)

        async def open_snapshot(self, *arguments, **more):
            Counting.calls.append("open")
            return await super().open_snapshot(*arguments, **more)

        async def write(self, targets, writes):
            Counting.calls.append(f"write {len(writes)}")
            return await super().write(targets, writes)

    return Counting


@asynccontextmanager
async def alone(engines, prefix, **settings):
    """Search that only answers, over an index that was filled before; nothing else runs in this process."""
    async with database_of(engines, "search") as url:
        async with shop(engines, prefix, LAMPS, database_url=url):
            pass
        async with served(engines, "search", prefix=prefix, database_url=url, **{**API_ONLY, **settings}) as search:
            yield search


async def test_a_page_is_one_call_of_the_engine_and_no_statement_whatever_its_size(
    engines, prefix, indexes, statements
):
    engine = counting()
    async with alone(engines, prefix, parts={"engine": engine}, snapshot_age_s=600.0) as search:
        await found(search)
        with statements.counted() as seen:
            for params in ({}, {"q": "lamp"}, {"q": "lmap"}, NARROWED, {"q": "lamp", **NARROWED}):
                for size in SIZES:
                    cursor = {}
                    while cursor is not None:
                        engine.calls.clear()
                        page = await found(search, limit=size, **params, **cursor)
                        assert engine.calls == ["search"], (params, size)
                        more = page["next_cursor"] if not cursor else None
                        cursor = {"cursor": more} if more else None
            engine.calls.clear()
            assert (await search.call("GET", "/api/v1/search/suggest?q=la", anonymous=True))[0] == 200
            assert engine.calls == ["search"]
        assert set(seen) <= {"SELECT 1"}  # readiness asks on its own account


async def test_views_are_opened_by_time_and_not_by_customers(engines, prefix, indexes):
    engine = counting()
    async with shop(engines, prefix, LAMPS[:3], parts={"engine": engine}, snapshot_age_s=600.0) as (_, search):
        engine.calls.clear()
        for n in range(20):
            await found(search, q=f"lamp {n}")
        assert engine.calls.count("open") == 0
        assert engine.calls.count("search") == 20


async def test_documents_go_into_the_index_in_one_call_and_the_same_statements_for_one_and_for_all(
    engines, prefix, indexes, statements
):
    engine = counting()(engines.elasticsearch)
    async with opened_database(engines, "search") as database:
        await engine.open()
        try:
            indexer = Indexer(database, engine, prefix=prefix)
            await indexer.push()
            costs = {}
            for size in (1, 10, 100, BATCH_DOCUMENTS_MAX):
                async with database.begin() as uow:
                    await store.documents.put(uow.connection, [_document() for _ in range(size)])
                engine.calls.clear()
                with statements.counted() as seen:
                    assert await indexer.push() == size
                assert engine.calls == [f"write {size}"]
                costs[size] = len(seen)
        finally:
            await engine.close()
    assert len(set(costs.values())) == 1, costs


async def test_what_found_nothing_is_one_statement_a_page(engines, prefix, statements):
    async with served(engines, "search", prefix=prefix, **API_ONLY) as search:
        async with database_for(search) as database, database.acquire() as connection:
            await connection.execute(
                "INSERT INTO misses (words, times) SELECT 'w' || n, n FROM generate_series(3, 150) n"
            )
        for size in (1, 10, 100):
            with statements.counted() as seen:
                _, page = await search.call("GET", f"/api/v1/search/misses?limit={size}")
            assert len(page["items"]) == size
            assert len([one for one in seen if one != "SELECT 1"]) == 1, seen


async def test_an_engine_that_is_away_is_asked_no_more_and_the_catalog_once_a_page(engines, prefix):
    asked = {"engine": 0, "catalog": 0}

    class Away(Engine):
        async def open_snapshot(self, *_, **__):
            asked["engine"] += 1
            raise SearchEngineUnavailableError("planned", effect_possible=False)

    class Counted(CatalogClient):
        async def look_up(self, *arguments, **more):
            asked["catalog"] += 1
            return await super().look_up(*arguments, **more)

    away = {"elasticsearch_url": f"http://127.0.0.1:{free_port()}", **API_ONLY, **AT_ONCE}
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix) as catalog,
        served(engines, "search", prefix=prefix, parts={"engine": Away, "catalog": Counted}, **away) as search,
    ):
        await imported(catalog, *LAMPS[:5])
        await until(lambda: _answers(search))
        asked["engine"] = asked["catalog"] = 0
        for _ in range(100):
            assert (await found(search))["degraded"]
        assert asked["catalog"] == 100
        assert asked["engine"] < 100  # the breaker stands between


async def test_a_rebuild_asks_the_catalog_once_a_page(engines, prefix, indexes):
    asked = []

    class Counted(CatalogClient):
        async def page(self, cursor, *, limit):
            asked.append(limit)
            return await super().page(cursor, limit=limit)

    async with shop(engines, prefix, LAMPS, parts={"catalog": Counted}) as (_, search):
        await search.call("POST", "/internal/reindex")

        async def rebuilt():
            return (await search.call("GET", "/internal/reindex"))[1]["status"] == "completed"

        await until(rebuilt)
        assert await total_is(search, len(LAMPS))
    assert asked == [100]


async def _answers(search):
    """Once it has heard of the catalog."""
    return (await search.call("GET", "/api/v1/search", anonymous=True))[0] == 200


def _document():
    product_id = uuid4()
    body = ProductBody(
        product_id=product_id, slug=f"lamp-{product_id}", title="Lamp", description="", category="home",
        status="active",
        variants=(VariantBody(sku=f"L-{product_id}", options={}, price_minor=1, currency="EUR"),),
    )  # fmt: skip
    return Document(product_id=product_id, version=1, body=body)
