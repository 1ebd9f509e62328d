"""What a search costs: the same few queries of the engine and no statement, however many goods it shows."""

import pytest
from elasticsearch import AsyncElasticsearch

from tests.support.searching import delete_indexes, found, item, shop
from tests.support.services import served, until
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("search")

GOODS = tuple(item(f"Lamp {number}", f"LAMP-{number}", 1_000 + number) for number in range(60))
QUERIES_MAX = 2
"""The page, and the counts beside it."""


async def answered(url, index):
    """The queries that the engine has answered of the index, on all its shards."""
    async with AsyncElasticsearch(url) as client:
        stats = await client.indices.stats(index=index, metric="search")
    return stats["_all"]["primaries"]["search"]["query_total"]


async def test_a_page_of_any_size_costs_the_same_queries_and_no_statement(engines, prefix, statements):
    index = f"{prefix}products"
    try:
        async with shop(engines, prefix, GOODS):
            pass
        async with served(engines, "search", prefix=prefix, **API_ONLY) as search:

            async def everything_is_found():
                status, body = await search.call("GET", "/api/v1/search", anonymous=True, params={"q": "lamp"})
                return status == 200 and body["total"] == len(GOODS)

            await until(everything_is_found)
            costs = {}
            for limit in (1, 10, 50):
                before = await answered(engines.elasticsearch, index)
                with statements.counted() as seen:
                    assert len((await found(search, q="lamp", limit=limit))["items"]) == limit
                costs[limit] = (await answered(engines.elasticsearch, index) - before, len(seen))
        (cost,) = set(costs.values())
        assert 0 < cost[0] <= QUERIES_MAX
        assert cost[1] == 0
    finally:
        await delete_indexes(engines.elasticsearch, f"{index}-v*")
