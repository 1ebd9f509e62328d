"""Fifty who want the index rebuilt at one moment, on two instances, get one rebuild."""

import pytest

from tests.support.racing import AT_ONCE, pair, race
from tests.support.searching import GOODS, delete_indexes, imported, total_is
from tests.support.services import served, topics, until

pytestmark = pytest.mark.service("search")


async def test_one_rebuild_serves_everybody_who_asked_for_it_at_once(engines, prefix):
    try:
        async with (
            topics(engines, prefix),
            served(engines, "catalog", prefix=prefix) as catalog,
            pair(engines, "search", prefix) as both,
        ):
            await imported(catalog, *GOODS)
            await until(lambda: total_is(both[0], len(GOODS)))

            async def ask(search, _):
                return await search.call("POST", "/internal/reindex")

            async def newest():
                return (await both[1].call("GET", "/internal/reindex"))[1]

            async def completed():
                return (await newest())["status"] == "completed"

            answers = await race(both, ask)
            assert [status for status, _ in answers] == [202] * AT_ONCE
            (build,) = {body["id"] for _, body in answers}
            await until(completed)
            assert (await newest())["id"] == build
            await until(lambda: total_is(both[0], len(GOODS)))  # a view is as old as a second
    finally:
        await delete_indexes(engines.elasticsearch, f"{prefix}products-v*")
