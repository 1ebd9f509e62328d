"""All pages of a list are cut from one snapshot, at whichever instance they are asked for."""

import pytest
from elasticsearch import AsyncElasticsearch

from scenarios.world.faults.proxy import FaultProxy
from shared.pagination import encode_cursor
from svc.search.clients import Engine
from svc.search.domain import Wish
from svc.search.index_definition import DEFINITION
from tests.support.searching import found, imported, item, shop, total_is
from tests.support.services import served, until

pytestmark = pytest.mark.service("search")

LAMPS = [item(f"Lamp {n:02}", f"LAMP-{n:02}", 1_000 + n) for n in range(12)]
TITLES = [lamp["title"] for lamp in LAMPS]
GONE = (410, "cursor_expired")


async def pages(search, *, first=None, after_each=None, **params):
    """The titles of a list page by page, from the first page on or after it."""
    page = first or await found(search, **params)
    seen = [hit["title"] for hit in page["items"]]
    while page["next_cursor"]:
        if after_each is not None:
            await after_each()
        page = await found(search, **params, cursor=page["next_cursor"])
        seen += [hit["title"] for hit in page["items"]]
    return seen


async def refused(search, cursor, **params):
    params = {"limit": 3, "sort": "title", **params, "cursor": cursor}
    status, problem = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
    return status, problem.get("code")


@pytest.mark.parametrize("sort", ["relevance", "price_asc", "price_desc", "title", "popularity"])
async def test_what_changes_meanwhile_moves_no_hit_from_one_page_to_another(engines, prefix, indexes, sort):
    async with shop(engines, prefix, LAMPS) as (catalog, search):
        changes = iter(range(100))

        async def change():
            """A new one before all others, and the dearest becomes the cheapest."""
            n = next(changes)
            before = (await found(search))["total"]
            cheap = item(f"Lamp {11 - n:02}", f"LAMP-{11 - n:02}", 1 + n)
            await imported(catalog, item(f"A lamp {n}", f"NEW-{n}", 1), cheap)
            await until(lambda: total_is(search, before + 1))

        assert sorted(await pages(search, sort=sort, limit=4, after_each=change)) == TITLES
        assert len(await pages(search, sort=sort, limit=5)) > len(TITLES)


async def test_another_instance_goes_on_with_the_list(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS) as (_, search):
        beside = {"database_url": search.settings.database_url, "instance": "search-2", "role": "api"}
        async with served(engines, "search", prefix=prefix, **beside) as other:
            first = await found(search, sort="title", limit=5)
            assert await pages(other, first=first, sort="title", limit=5) == TITLES


async def test_a_list_that_is_kept_no_longer_is_gone_with_a_reason(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS, snapshot_life_s=1) as (_, search):
        cursor = (await found(search, sort="title", limit=3))["next_cursor"]

        async def gone():
            return await refused(search, cursor) == GONE

        await until(gone)


async def test_a_rebuild_ends_the_lists_before_it_and_begins_new_ones_from_the_new_index(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS, snapshot_age_s=600.0) as (_, search):
        cursor = (await found(search, sort="title", limit=3))["next_cursor"]
        await search.call("POST", "/internal/reindex")

        async def rebuilt():
            return (await search.call("GET", "/internal/reindex"))[1]["status"] == "completed"

        await until(rebuilt)

        async def gone():
            return await refused(search, cursor) == GONE

        await until(gone)
        body = await found(search, sort="title", limit=3)
        assert (body["degraded"], [hit["title"] for hit in body["items"]]) == (False, TITLES[:3])


async def test_a_cursor_belongs_to_its_question(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS) as (_, search):
        cursor = (await found(search, sort="title", limit=3))["next_cursor"]
        assert (await refused(search, cursor, limit=50))[0] == 200
        for other in (
            {"q": "lamp"},
            {"category": "home"},
            {"max_price": "10.05"},
            {"seller": "s"},
            {"sort": "relevance"},
        ):
            assert await refused(search, cursor, **other) == (400, "invalid_cursor"), other


async def test_a_made_up_snapshot_is_gone_and_a_view_of_the_engine_is_none(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS[:2]) as (_, search):
        engine = Engine(engines.elasticsearch)
        await engine.open()
        try:
            view = await engine.open_snapshot(f"{indexes}-d{DEFINITION}", life_s=60, timeout_s=5.0)
        finally:
            await engine.close()
        order = Wish(sort="title").order
        for name in ("made-up", view[:150], "../snapshot"):
            assert await refused(search, encode_cursor(order, (name, "a", "b", 0))) == GONE


async def test_lists_go_on_without_snapshots_while_redis_is_away(engines, prefix, indexes):
    proxy = FaultProxy("redis", "127.0.0.1:0", engines.redis.removeprefix("redis://").partition("/")[0])
    await proxy.start()
    try:
        async with shop(engines, prefix, LAMPS) as (_, search):
            away = {
                "database_url": search.settings.database_url, "instance": "search-2", "role": "api",
                "redis_url": f"redis://127.0.0.1:{proxy.port}", "snapshot_age_s": 0.0,
            }  # fmt: skip
            async with served(engines, "search", prefix=prefix, **away) as other:
                kept = (await found(other, sort="title", limit=5))["next_cursor"]
                await proxy.stop()
                assert await pages(other, sort="title", limit=5) == TITLES
                status, problem = await other.call(
                    "GET", "/api/v1/search", params={"sort": "title", "limit": 5, "cursor": kept}, anonymous=True
                )
                assert (status, problem["code"]) == (503, "redis_unavailable")
                await proxy.start()
    finally:
        await proxy.stop()


async def test_an_index_of_another_release_is_not_searched_but_replaced(engines, prefix, indexes):
    async with shop(engines, prefix, LAMPS) as (_, search), AsyncElasticsearch(engines.elasticsearch) as client:
        (before,) = await client.indices.get_alias(name=indexes)
        await client.indices.delete_alias(index=before, name=f"{indexes}-d{DEFINITION}")
        beside = {"database_url": search.settings.database_url, "instance": "search-2", "index_interval_s": 0.1}
        async with served(engines, "search", prefix=prefix, **beside) as other:
            await until(lambda: total_is(other, len(LAMPS)))
            (now,) = await client.indices.get_alias(name=indexes)
            assert now != before
            assert not await client.indices.exists(index=before)
