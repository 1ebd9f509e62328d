"""Fifty at one moment, over two instances: what they find, what they cause, and who is written last."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from elasticsearch import AsyncElasticsearch

from shared.contracts.inventory import StockAdjusted
from svc.search.clients import CatalogClient, Engine
from tests.support.racing import AT_ONCE, pair, race
from tests.support.rows import database_for
from tests.support.searching import filled, imported, item, total_is
from tests.support.services import envelope, publish, served, topics, until

pytestmark = [pytest.mark.service("search"), pytest.mark.timeout(180)]

LAMPS = [item(f"Lamp {n:02}", f"LAMP-{n:02}", 1_000 + n) for n in range(20)]
PATIENT = {"search_timeout_s": 20.0}


def counting():
    """An engine that counts the views that are opened."""

    class Counting(Engine):
        opened = 0

        async def open_snapshot(self, index, **limits):
            Counting.opened += 1
            return await super().open_snapshot(index, **limits)

    return Counting


class Stock:
    """Inventory, whose figure is another at each question."""

    asked = 0

    def __init__(self, client):
        del client

    async def available(self, skus):
        Stock.asked += 1
        return dict.fromkeys(skus, Stock.asked % 2 * 9)


@asynccontextmanager
async def both_of(engines, prefix, **settings):
    """Two instances that find the lamps, and the catalog that sells them."""
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix) as catalog,
        pair(engines, "search", prefix, **{**PATIENT, "index_interval_s": 0.1, **settings}) as both,
    ):
        await imported(catalog, *LAMPS)
        await filled(engines, prefix, len(LAMPS))
        for search in both:
            await until(lambda search=search: total_is(search, len(LAMPS)))
        yield catalog, both


def ask(search, **params):
    return search.call("GET", "/api/v1/search", params=params, anonymous=True)


async def test_fifty_searches_are_answered_alike_from_a_view_of_each_instance(engines, prefix, indexes):
    engine = counting()
    async with both_of(engines, prefix, parts={"engine": engine}, snapshot_age_s=600.0) as (_, both):
        engine.opened = 0
        answers = await race(both, lambda at, _: ask(at, q="lamp", sort="title", limit=5))
        assert {status for status, _ in answers} == {200}
        shown = Counter(tuple(hit["title"] for hit in body["items"]) for _, body in answers)
        assert shown == {tuple(f"Lamp {n:02}" for n in range(5)): AT_ONCE}
        assert {(body["total"], body["degraded"]) for _, body in answers} == {(20, False)}
        assert engine.opened == 0  # those of the first look still do
        cursors = [body["next_cursor"] for _, body in answers]
        pages = await race(both, lambda at, n: ask(at, q="lamp", sort="title", limit=5, cursor=cursors[n]))
        assert {tuple(hit["title"] for hit in body["items"]) for _, body in pages} == {
            tuple(f"Lamp {n:02}" for n in range(5, 10))
        }


async def test_fifty_who_begin_at_once_open_one_view_an_instance(engines, prefix, indexes):
    engine = counting()
    async with both_of(engines, prefix, parts={"engine": engine}, snapshot_age_s=0.0) as (_, both):
        engine.opened = 0
        answers = await race(both, lambda at, _: ask(at, limit=1))
        assert {status for status, _ in answers} == {200}
        assert 2 <= engine.opened < AT_ONCE


async def test_fifty_who_page_while_goods_change_each_see_their_list_whole(engines, prefix, indexes):
    async with both_of(engines, prefix, snapshot_age_s=0.0) as (catalog, both):

        async def walk(at, n):
            seen, cursor = [], None
            while True:
                status, body = await ask(
                    both[n % 2], sort="price_asc", limit=7, **({"cursor": cursor} if cursor else {})
                )
                if status != 200:
                    return status, body
                seen += [hit["id"] for hit in body["items"]]
                cursor = body["next_cursor"]
                if cursor is None:
                    return 200, (seen, body["total"])

        async def change():
            for n in range(10):
                cheaper = item(f"Lamp {19 - n:02}", f"LAMP-{19 - n:02}", 1 + n)
                await imported(catalog, item(f"New {n}", f"NEW-{n}", 1), cheaper)

        answers, _ = await asyncio.gather(race(both, walk), change())
        for status, answer in answers:
            assert status == 200, answer
            seen, total = answer
            assert len(seen) == len(set(seen)) == total


async def test_fifty_requests_for_a_rebuild_are_one_rebuild(engines, prefix, indexes):
    may_begin = asyncio.Event()

    class Waiting(CatalogClient):
        async def size(self):
            await may_begin.wait()
            return await super().size()

    async with both_of(engines, prefix, parts={"catalog": Waiting}) as (_, both):
        answers = await race(both, lambda at, _: at.call("POST", "/internal/reindex"))
        may_begin.set()
        assert {status for status, _ in answers} == {202}
        (build,) = {body["id"] for _, body in answers}

        async def completed():
            _, body = await both[0].call("GET", "/internal/reindex")
            return body["id"] == build and body["status"] == "completed"

        await until(completed)
        async with AsyncElasticsearch(engines.elasticsearch) as client:
            assert len(await client.indices.get(index=f"{indexes}-v*")) == 1


async def test_words_that_found_nothing_are_counted_one_by_one(engines, prefix, indexes):
    async with both_of(engines, prefix, misses_every_s=0.02) as (_, both):
        await race(both, lambda at, _: ask(at, q="zebra"))

        async def counted():
            _, body = await both[0].call("GET", "/api/v1/search/misses")
            return [(miss["words"], miss["times"]) for miss in body["items"]] == [("zebra", AT_ONCE)]

        await until(counted)


async def test_what_two_instances_write_at_once_ends_as_the_newest_says(engines, prefix, indexes):
    async with both_of(engines, prefix, parts={"stock": Stock}, stock_look_s=0.01) as (catalog, both):
        for version in range(1, 6):
            told = [StockAdjusted(sku=f"LAMP-{n:02}", warehouse="main", on_hand=1, available=1) for n in range(20)]
            await asyncio.gather(
                publish(engines, prefix, *(envelope(it, f"main/{it.sku}", version) for it in told)),
                imported(catalog, *({**lamp, "description": f"as of {version}"} for lamp in LAMPS)),
            )
        async with database_for(both[0]) as database, AsyncElasticsearch(engines.elasticsearch) as client:

            async def rest():
                async with database.acquire() as connection:
                    return await connection.fetchval(
                        "SELECT (SELECT count(*) = 20 AND bool_and(seen = marks) FROM stock_seen) "
                        "AND (SELECT bool_and(indexed_version = version AND indexed_changes = changes "
                        "AND version >= 6) FROM documents)"
                    )

            await until(rest)
            async with database.acquire() as connection:
                stock = dict(await connection.fetch("SELECT sku, available FROM stock_seen"))
            await client.indices.refresh(index=indexes)
            hits = (await client.search(index=indexes, size=100))["hits"]["hits"]
        assert len(hits) == 20
        for source in (hit["_source"] for hit in hits):
            (variant,) = source["variants"]
            assert (variant["availability"] == "in_stock") is (stock[variant["sku"]] > 0), source
            assert source["description"] == "as of 5"
