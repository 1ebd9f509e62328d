"""The engine goes away and comes back, behind a proxy that can be shut."""

from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from scenarios.world.faults.proxy import FaultProxy
from tests.support.searching import GOODS, found, imported, item, shop, total_is
from tests.support.services import until

pytestmark = pytest.mark.service("search")


@asynccontextmanager
async def proxied_engine(engines):
    proxy = FaultProxy("engine", "127.0.0.1:0", urlsplit(engines.elasticsearch).netloc)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def test_what_changes_while_the_engine_is_away_is_found_when_it_is_back(engines, prefix, indexes):
    async with (
        proxied_engine(engines) as proxy,
        shop(engines, prefix, elasticsearch_url=f"http://127.0.0.1:{proxy.port}", index_interval_s=0.1) as shops,
    ):
        catalog, search = shops
        await proxy.stop()
        await imported(catalog, item("Late lamp", "LAMP-1"))
        assert (await found(search, q="lamp"))["degraded"] is True
        assert [hit["title"] for hit in (await found(search, q="lamp"))["items"]] == ["Late lamp"]
        status, _ = await search.call("GET", "/health/ready", anonymous=True)
        assert status == 503
        await proxy.start()
        await until(lambda: total_is(search, len(GOODS) + 1))

        async def ready():
            return (await search.call("GET", "/health/ready", anonymous=True))[0] == 200

        await until(ready)


async def test_a_list_waits_for_the_engine_and_goes_on_where_it_was(engines, prefix, indexes):
    """No first page stands for the next one: 503 with the time to come again, at the first failures and behind the
    breaker, and the same cursor afterwards."""
    async with (
        proxied_engine(engines) as proxy,
        shop(engines, prefix, elasticsearch_url=f"http://127.0.0.1:{proxy.port}") as (_, search),
    ):
        first = await found(search, sort="title", limit=3)
        following = {"sort": "title", "limit": 3, "cursor": first["next_cursor"]}
        await proxy.stop()
        codes = set()

        async def refused_by_the_breaker():
            async with search.http.get(f"{search.url}/api/v1/search", params=following) as answer:
                assert answer.status == 503, await answer.text()
                assert int(answer.headers["Retry-After"]) >= 1
                codes.add((await answer.json())["code"])
            return "circuit_open" in codes

        await until(refused_by_the_breaker, deadline_s=60)
        assert codes == {"search_engine_unavailable", "circuit_open"}
        degraded = await found(search, limit=3)
        assert degraded["degraded"] is True
        await proxy.start()

        async def the_next_page():
            status, page = await search.call("GET", "/api/v1/search", params=following, anonymous=True)
            return page if status == 200 else None

        second = await until(the_next_page)
        assert (second["degraded"], second["next_cursor"]) == (False, None)
        assert len({hit["id"] for page in (first, second) for hit in page["items"]}) == len(GOODS)
