"""What is found once inventory has told that stock moved: badges, filter, counts, and what is shown first."""

from contextlib import asynccontextmanager

import pytest

from shared.contracts.inventory import StockAdjusted
from tests.support.searching import GOODS, found, imported, item, shop, titles, total_is
from tests.support.services import envelope, free_port, publish, served, topics, until

pytestmark = pytest.mark.service("search")


def stock_of(**left):
    """Inventory as search asks it; `left` is units by SKU, with `_` for `-`."""

    class FakeStock:
        units = {sku.replace("_", "-"): units for sku, units in left.items()}  # noqa: RUF012 the test's own class

        def __init__(self, client):
            del client

        async def available(self, skus):
            return {sku: self.units[sku] for sku in skus if sku in self.units}

    return FakeStock


@asynccontextmanager
async def stocked(engines, prefix, stock, goods=GOODS):
    async with shop(engines, prefix, goods, parts={"stock": stock}, stock_look_s=0.1, index_interval_s=0.1) as (
        _,
        search,
    ):
        await move(engines, prefix, 1, *stock.units)
        yield search


async def move(engines, prefix, version, *skus):
    """Inventory says that these moved; the figures of the event are nobody's business."""
    told = [StockAdjusted(sku=sku, warehouse="main", on_hand=77, available=77, quantity=1) for sku in skus]
    await publish(engines, prefix, *(envelope(it, f"main/{it.sku}", version) for it in told))


async def badges(search):
    body = await found(search, limit=50)
    return {it["sku"]: it.get("availability") for hit in body["items"] for it in hit["variants"]}


async def shows(search, **expected):
    wanted = {sku.replace("_", "-"): badge for sku, badge in expected.items()}
    seen = await badges(search)
    return all(seen[sku] == badge for sku, badge in wanted.items())


async def test_a_badge_filter_and_counts_follow_the_stock(engines, prefix, indexes):
    stock = stock_of(MUG_1=20, TAB_1=0, TAB_2=3)
    async with stocked(engines, prefix, stock) as search:
        await until(lambda: shows(search, MUG_1="in_stock", TAB_1="out_of_stock", TAB_2="low_stock", TV_1=None))
        available = {"availability": ["in_stock", "low_stock"]}
        assert sorted(await titles(search, **available)) == ["Blue mugs", "Wooden table"]
        counts = (await found(search, **available))["facets"]["availability"]
        assert sorted((it["availability"], it["count"]) for it in counts) == [
            ("in_stock", 1), ("low_stock", 1), ("out_of_stock", 1),
        ]  # fmt: skip
        assert sum(it["count"] for it in (await found(search, **available))["facets"]["categories"]) == 4
        stock.units |= {"MUG-1": 0, "TAB-1": 9}
        await move(engines, prefix, 2, "MUG-1", "TAB-1")
        await until(lambda: shows(search, MUG_1="out_of_stock", TAB_1="in_stock"))
        assert await titles(search, availability="out_of_stock") == ["Blue mugs"]


async def test_what_is_sold_out_comes_after_its_like(engines, prefix, indexes):
    goods = [item(f"Lamp {name}", f"LAMP-{name}", description="a lamp") for name in "wxyz"]
    async with stocked(engines, prefix, stock_of(LAMP_w=0, LAMP_x=5, LAMP_y=0), goods) as search:
        await until(lambda: shows(search, LAMP_w="out_of_stock", LAMP_x="low_stock", LAMP_y="out_of_stock"))
        for words in ({}, {"q": "lamp"}):
            assert set((await titles(search, **words))[:2]) == {"Lamp x", "Lamp z"}


async def test_price_options_and_stock_are_those_of_one_variant(engines, prefix, indexes):
    shirt = item("Shirt", "SHIRT-S")
    shirt["variants"] = [
        {"sku": "SHIRT-S", "options": {"size": "s"}, "price_minor": 900},
        {"sku": "SHIRT-M", "options": {"size": "m"}, "price_minor": 1900},
    ]
    async with stocked(engines, prefix, stock_of(SHIRT_S=0, SHIRT_M=9), [shirt]) as search:
        await until(lambda: shows(search, SHIRT_S="out_of_stock", SHIRT_M="in_stock"))
        assert await titles(search, option="size:m", availability="in_stock", min_price="19") == ["Shirt"]
        assert await titles(search, option="size:s", availability="in_stock") == []
        assert await titles(search, option="size:m", max_price="10") == []
        facets = (await found(search, availability="in_stock"))["facets"]
        assert facets["options"] == [{"name": "size", "value": "m", "count": 1}]
        assert facets["prices"] == [{"from_amount": "10.00", "to_amount": "25.00", "count": 1}]


async def test_a_product_that_comes_after_its_stock_was_seen_shows_it_at_once(engines, prefix, indexes):
    stock = stock_of(LATE_1=0)
    async with shop(engines, prefix, GOODS[:1], parts={"stock": stock}, stock_look_s=0.1, index_interval_s=0.1) as both:
        catalog, search = both
        await move(engines, prefix, 1, "LATE-1")
        status, _ = await catalog.call("POST", "/internal/products/import", json={"items": [item("Late", "LATE-1")]})
        assert status == 200
        await until(lambda: total_is(search, 2))
        await until(lambda: shows(search, LATE_1="out_of_stock"))


async def test_without_the_engine_what_the_catalog_shows_is_compared(engines, prefix):
    goods = [
        item("Red mug", "RED", options={"colour": "red"}, attributes={"material": "clay"}, seller_id="s-1"),
        item("Blue mug", "BLUE", options={"colour": "blue"}, attributes={"material": "tin"}),
    ]
    away = {"elasticsearch_url": f"http://127.0.0.1:{free_port()}"}
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix, parts={"stock": stock_of(RED=9)}, stock_look_s=0.1) as catalog,
        served(engines, "search", prefix=prefix, **away) as search,
    ):
        await imported(catalog, *goods)
        await move(engines, prefix, 1, "RED")
        await until(lambda: _answers(search, availability="in_stock"))
        for narrowed in (
            {"option": "colour:red"}, {"attribute": "material:clay"}, {"seller": "s-1"}, {"availability": "in_stock"},
        ):  # fmt: skip
            body = await found(search, **narrowed)
            assert (body["degraded"], [hit["title"] for hit in body["items"]]) == (True, ["Red mug"]), narrowed
        assert (await badges(search)) == {"RED": "in_stock", "BLUE": None}
        assert (await found(search, option="colour:blue", availability="in_stock"))["items"] == []


async def _answers(search, **params):
    """Once it has heard of the catalog, and the catalog of the stock."""
    status, body = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
    return status == 200 and body["items"]
