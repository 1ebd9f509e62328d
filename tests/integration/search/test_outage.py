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
