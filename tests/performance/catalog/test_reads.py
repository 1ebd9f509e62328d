"""What a read of the catalog costs, in statements and loads, not in milliseconds."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from shared.cache import Cache
from shared.database import Database
from shared.errors import DatabaseUnavailableError
from svc.catalog import handlers, store
from svc.catalog.domain import Price, ProductWish, UnknownProduct, Variant
from svc.catalog.shelf import Shelf
from svc.catalog.store import ProductFilter
from tests.support.services import opened_database
from tests.support.statements import statements_of

pytestmark = pytest.mark.service("catalog")


def _wish(number, variants=3):
    return ProductWish(
        slug=f"thing-{number}",
        title=f"Thing {number}",
        description="",
        category=f"things/kind-{number % 7}",
        status="active",
        tax_class="standard",
        seller_id=None,
        variants=tuple(
            Variant(sku=f"T{number}-{n}", options={"n": str(n)}, prices=(Price("EUR", 100 + n), Price("USD", 120 + n)))
            for n in range(variants)
        ),
    )


async def _import(database, wishes):
    for portion in handlers.portions(wishes):
        async with database.begin() as uow:
            await handlers.import_portion(uow, portion)


@pytest.mark.parametrize(
    "wanted",
    [ProductFilter(), ProductFilter(category="things"), ProductFilter(skus=tuple(f"T{n}-1" for n in range(100)))],
)
async def test_a_page_takes_one_statement_whatever_its_size(engines, wanted):
    async with opened_database(engines, "catalog") as database:
        await _import(database, [_wish(number) for number in range(120)])
        counts = {
            rows: await statements_of(database, lambda c, rows=rows: store.list_products(c, wanted, rows_max=rows))
            for rows in (1, 20, 100)
        }
        assert counts == {1: 1, 20: 1, 100: 1}


async def test_pricing_a_cart_takes_one_statement(engines):
    async with opened_database(engines, "catalog") as database:
        await _import(database, [_wish(number) for number in range(50)])
        skus = [f"T{number}-0" for number in range(50)]
        assert await statements_of(database, lambda c: store.variants_by_sku(c, skus, None)) == 1


async def test_the_category_tree_takes_one_statement(engines):
    async with opened_database(engines, "catalog") as database:
        await _import(database, [_wish(number) for number in range(50)])
        assert await statements_of(database, store.categories) == 1


async def test_an_import_takes_as_many_statements_for_many_as_for_few(engines):
    async with opened_database(engines, "catalog") as database:
        counts = []
        for size in (2, 400):
            seen = []
            async with database.begin() as uow:
                with uow.connection.query_logger(lambda record: seen.append(record.query)):  # noqa: B023
                    await handlers.import_portion(uow, [_wish(number) for number in range(size)])
                    await uow.flush()
            counts.append(len(seen))
        assert counts[1] <= counts[0] + 2  # the second one also reads what it changes


def _shelf(database, redis, prefix, **more):
    cache = Cache(redis, prefix)
    arguments = {"ttl_s": 60.0, "stale_s": 60.0, **more}
    return cache, Shelf(database, cache, **arguments)


async def test_a_crowd_at_a_cold_product_loads_it_once(engines, prefix):
    async with opened_database(engines, "catalog") as database, Redis.from_url(engines.redis) as redis:
        await _import(database, [_wish(1)])
        instances = [_shelf(database, redis, prefix) for _ in range(3)]
        pages = await asyncio.gather(*(shelf.product("thing-1") for _ in range(100) for _, shelf in instances))
        assert {page.slug for page in pages} == {"thing-1"}
        assert sum(cache.loads for cache, _ in instances) == 1


async def test_a_stale_page_is_better_than_none(engines, prefix):
    async with Redis.from_url(engines.redis) as redis:
        async with opened_database(engines, "catalog") as database:
            await _import(database, [_wish(1)])
            _, shelf = _shelf(database, redis, prefix, ttl_s=0.01)
            page = await shelf.product("thing-1")
        gone = Database("postgresql://nobody@127.0.0.1:1/none", "test")
        gone.acquire = _unavailable
        _, shelf = _shelf(gone, redis, prefix, ttl_s=0.01)
        assert await shelf.product("thing-1") == page
        with pytest.raises(DatabaseUnavailableError):
            await shelf.product("thing-2")


@asynccontextmanager
async def _unavailable():
    raise DatabaseUnavailableError("gone")
    yield


async def test_an_unknown_product_is_not_remembered(engines, prefix):
    async with opened_database(engines, "catalog") as database, Redis.from_url(engines.redis) as redis:
        _, shelf = _shelf(database, redis, prefix)
        with pytest.raises(UnknownProduct):
            await shelf.product("thing-1")
        await _import(database, [_wish(1)])
        assert (await shelf.product("thing-1")).slug == "thing-1"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM products WHERE visible AND category = 'things/kind-1' ORDER BY id LIMIT 20",
        "SELECT id FROM products WHERE visible AND id > '11111111-1111-1111-1111-111111111111' ORDER BY id LIMIT 20",
        "SELECT id FROM products WHERE slug = 'thing-7'",
        "SELECT * FROM variants WHERE sku = ANY('{T1-0,T2-0}'::text[])",
        "SELECT * FROM variants WHERE product_id = ANY('{11111111-1111-1111-1111-111111111111}'::uuid[])",
    ],
)
async def test_hot_routes_are_served_by_indexes(engines, statement):
    async with opened_database(engines, "catalog") as database:
        await _import(database, [_wish(number, variants=2) for number in range(2_000)])
        async with database.acquire() as connection:
            await connection.execute("ANALYZE products, variants")
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}"))
        assert "Seq Scan" not in plan, plan
