"""A shop whose goods are found: catalog and search over the real broker and the real engine."""

from contextlib import asynccontextmanager

from elasticsearch import AsyncElasticsearch

from tests.support.services import served, topics, until


def item(title, sku, price_minor=1000, category="home/kitchen", currency="EUR", **more):
    options = more.pop("options", {})
    return {
        "slug": title.lower().replace(" ", "-").replace("é", "e"),
        "title": title,
        "description": more.pop("description", ""),
        "category": category,
        "variants": [{"sku": sku, "options": options, "price_minor": price_minor, "currency": currency}],
        **more,
    }


GOODS = (
    item("Blue mugs", "MUG-1", 1250, options={"colour": "blue"}),
    item("Café table", "TAB-1", 9900, "home/furniture", options={"colour": "white"}),
    item("Wooden table", "TAB-2", 19900, "home/furniture"),
    item("Running shoes", "SHO-1", 7900, "sport"),
    item("Television", "TV-1", 49900, "electronics"),
)


AT_ONCE = {"snapshot_age_s": 0.0}
"""Every list begins with the index as it is."""


@asynccontextmanager
async def shop(engines, prefix, goods=GOODS, **overrides):
    """Catalog and search with the goods already found."""
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix) as catalog,
        served(engines, "search", prefix=prefix, **{**AT_ONCE, **overrides}) as search,
    ):
        await imported(catalog, *goods)
        await filled(engines, prefix, len(goods))
        await until(lambda: total_is(search, len(goods)))
        yield catalog, search


async def filled(engines, prefix, count):
    """Wait until the engine has so many documents to be found, before anybody's first look."""
    async with AsyncElasticsearch(engines.elasticsearch) as client:
        tolerant = client.options(ignore_status=404)

        async def has_all():
            await tolerant.indices.refresh(index=f"{prefix}products")
            return (await tolerant.count(index=f"{prefix}products")).get("count") == count

        await until(has_all)


async def imported(catalog, *items):
    status, body = await catalog.call("POST", "/internal/products/import", json={"items": list(items)})
    assert status == 200, body


async def found(search, **params):
    status, body = await search.call("GET", "/api/v1/search", anonymous=True, params=params)
    assert status == 200, body
    return body


async def total_is(search, expected, **params):
    body = await found(search, **params)
    return not body["degraded"] and body["total"] == expected


async def titles(search, **params):
    return [item["title"] for item in (await found(search, **params))["items"]]


async def delete_indexes(url, pattern):
    async with AsyncElasticsearch(url) as client:
        names = sorted(await client.indices.get(index=pattern, allow_no_indices=True))
        if names:
            await client.indices.delete(index=names)
