"""Search on the real engine, fed by the real catalog over the real broker."""

from contextlib import asynccontextmanager

import pytest
from elasticsearch import AsyncElasticsearch

from tests.services import free_port, served, topics, until

pytestmark = pytest.mark.service("search")


def _item(title, sku, price_minor=1000, category="home/kitchen", currency="EUR", **more):
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
    _item("Blue mugs", "MUG-1", 1250, options={"colour": "blue"}),
    _item("Café table", "TAB-1", 9900, "home/furniture", options={"colour": "white"}),
    _item("Wooden table", "TAB-2", 19900, "home/furniture"),
    _item("Running shoes", "SHO-1", 7900, "sport"),
    _item("Television", "TV-1", 49900, "electronics"),
)


@asynccontextmanager
async def _shop(engines, prefix, goods=GOODS, **overrides):
    """Catalog and search with the goods already found."""
    async with (
        topics(engines, prefix),
        served(engines, "catalog", prefix=prefix) as catalog,
        served(engines, "search", prefix=prefix, **overrides) as search,
    ):
        await _import(catalog, *goods)
        await until(lambda: _total_is(search, len(goods)))
        yield catalog, search


async def _import(catalog, *items):
    status, body = await catalog.call("POST", "/internal/products/import", json={"items": list(items)})
    assert status == 200, body


async def _search(search, **params):
    status, body = await search.call("GET", "/api/v1/search", anonymous=True, params=params)
    assert status == 200, body
    return body


async def _total_is(search, expected, **params):
    body = await _search(search, **params)
    return not body["degraded"] and body["total"] == expected


async def _titles(search, **params):
    return [item["title"] for item in (await _search(search, **params))["items"]]


async def test_words_are_found_by_stem_synonym_accent_and_typo(engines, prefix, indexes):
    async with _shop(engines, prefix) as (_, search):
        for words, expected in (
            ("mug", ["Blue mugs"]),
            ("cups", ["Blue mugs"]),
            ("cafe", ["Café table"]),
            ("tabel", ["Café table", "Wooden table"]),
            ("tv", ["Television"]),
            ("sneakers", ["Running shoes"]),
            ("MUG-1", ["Blue mugs"]),
            ("furniture", ["Café table", "Wooden table"]),
            ("blue", ["Blue mugs"]),
            ("zebra", []),
        ):
            assert sorted(await _titles(search, q=words)) == expected, words


async def test_an_answer_says_what_the_product_costs(engines, prefix, indexes):
    async with _shop(engines, prefix) as (catalog, search):
        (item,) = (await _search(search, q="mug"))["items"]
        _, product = await catalog.call("GET", f"/api/v1/products/{item['id']}")
        assert item["variants"] == product["variants"]
        assert (item["slug"], item["category"]) == ("blue-mugs", "home/kitchen")


async def test_filters_narrow_and_facets_leave_their_own_filter_out(engines, prefix, indexes):
    async with _shop(engines, prefix) as (_, search):
        body = await _search(search, category="home")
        assert body["total"] == 3
        counts = {facet["path"]: facet["count"] for facet in body["facets"]["categories"]}
        assert counts == {"home": 3, "home/furniture": 2, "home/kitchen": 1, "sport": 1, "electronics": 1}
        assert body["facets"]["prices"] == [
            {"from_amount": "10.00", "to_amount": "25.00", "count": 1},
            {"from_amount": "50.00", "to_amount": "100.00", "count": 1},
            {"from_amount": "100.00", "to_amount": "250.00", "count": 1},
        ]
        assert body["facets"]["options"] == [
            {"name": "colour", "value": "blue", "count": 1},
            {"name": "colour", "value": "white", "count": 1},
        ]
        body = await _search(search, min_price="50", max_price="99.00")
        assert sorted(item["title"] for item in body["items"]) == ["Café table", "Running shoes"]
        assert sum(facet["count"] for facet in body["facets"]["prices"]) == 5
        assert await _titles(search, min_price="50", currency="USD") == []


async def test_sorts_order_and_pages_follow_each_other(engines, prefix, indexes):
    async with _shop(engines, prefix) as (_, search):
        by_price = ["Blue mugs", "Running shoes", "Café table", "Wooden table", "Television"]
        assert await _titles(search, sort="price_asc") == by_price
        assert await _titles(search, sort="price_desc") == by_price[::-1]
        assert await _titles(search, sort="title") == sorted(by_price)
        for sort in ("relevance", "price_asc", "price_desc", "title"):
            seen, cursor = [], None
            while True:
                page = await _search(search, sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
                seen += [item["title"] for item in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert sorted(seen) == sorted(by_price)


async def test_suggestions_complete_the_last_word(engines, prefix, indexes):
    async with _shop(engines, prefix) as (_, search):

        async def titles(q):
            status, body = await search.call("GET", "/api/v1/search/suggest", params={"q": q}, anonymous=True)
            assert status == 200
            return [item["title"] for item in body["items"]]

        assert await titles("ta") == ["Café table", "Wooden table"]
        assert await titles("wooden t") == ["Wooden table"]
        assert await titles("xyz") == []
        assert await titles(" ") == []


async def test_changes_at_the_catalog_reach_the_index(engines, prefix, indexes):
    async with _shop(engines, prefix) as (catalog, search):
        await _import(catalog, {**_item("Green mugs", "MUG-1", 990), "slug": "blue-mugs"})
        await until(lambda: _total_is(search, 1, q="green mugs"))
        (item,) = (await _search(search, q="green mugs"))["items"]
        assert item["variants"][0]["price"]["amount"] == "9.90"
        status, _ = await catalog.call("DELETE", f"/api/v1/products/{item['id']}", headers={"If-Match": '"3"'})
        assert status == 204
        await until(lambda: _total_is(search, 4))
        await _import(catalog, {**_item("Television", "TV-1", 49900, "electronics"), "status": "archived"})
        await until(lambda: _total_is(search, 3))


async def test_a_rebuild_takes_everything_anew_and_removes_the_old_index(engines, prefix, indexes):
    async with _shop(engines, prefix) as (_, search), AsyncElasticsearch(engines.elasticsearch) as client:
        (before,) = await client.indices.get_alias(name=indexes)
        await client.delete_by_query(index=indexes, query={"match_all": {}}, refresh=True)
        assert await _total_is(search, 0)
        status, build = await search.call("POST", "/internal/reindex")
        assert (status, build["status"]) == (202, "requested")

        async def completed():
            _, body = await search.call("GET", "/internal/reindex")
            return body if body["status"] == "completed" else None

        ended = await until(completed)
        assert (ended["id"], ended["documents"]) == (build["id"], 5)
        assert await _total_is(search, 5)
        assert list(await client.indices.get_alias(name=indexes)) == [ended["index_name"]]
        assert not await client.indices.exists(index=before)


async def test_searches_find_everything_while_the_index_is_rebuilt(engines, prefix, indexes):
    async with _shop(engines, prefix) as (catalog, search):
        await search.call("POST", "/internal/reindex")
        await _import(catalog, _item("Late lamp", "LAMP-1"))

        async def done():
            assert (await _search(search))["total"] >= 5
            _, body = await search.call("GET", "/internal/reindex")
            return body["status"] == "completed"

        await until(done)
        await until(lambda: _total_is(search, 6))


async def test_a_lost_index_is_filled_again(engines, prefix, indexes):
    async with _shop(engines, prefix, index_interval_s=0.1) as (catalog, search):
        async with AsyncElasticsearch(engines.elasticsearch) as client:
            (name,) = await client.indices.get_alias(name=indexes)
            await client.indices.delete(index=name)
        await _import(catalog, _item("Late lamp", "LAMP-1"))
        await until(lambda: _total_is(search, 6))


async def test_without_the_engine_the_catalog_answers_and_the_answer_says_so(engines, prefix):
    async with (
        served(engines, "catalog", prefix=prefix) as catalog,
        served(engines, "search", prefix=prefix, elasticsearch_url=f"http://127.0.0.1:{free_port()}") as search,
    ):
        await _import(catalog, *GOODS)
        await until(lambda: _degraded_titles(search, q="tables"))
        assert await _degraded_titles(search, q="tables") == ["Café table", "Wooden table"]
        assert await _degraded_titles(search, category="home", max_price="50") == ["Blue mugs"]
        first = await _search(search, limit=3)
        second = await _search(search, limit=3, cursor=first["next_cursor"])
        assert len({item["id"] for item in (*first["items"], *second["items"])}) == 5
        assert second["next_cursor"] is None
        assert (await search.call("GET", "/api/v1/search/suggest?q=ta"))[1] == {"items": []}
        status, report = await search.call("GET", "/health/ready", anonymous=True)
        assert (status, report["checks"]["elasticsearch"]["ok"]) == (503, False)


async def _degraded_titles(search, **params):
    status, body = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
    if status == 503:  # the catalog has not announced itself yet
        return None
    assert body["degraded"] is True
    return sorted(item["title"] for item in body["items"])


SYNTAX = (
    '{"query": {"match_all": {}}}',
    "title:* OR slug:*",
    "((((((((",
    "*",
    "/.*/",
    "a~99 b^9999",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "\x00\x1b[31m",
    "${jndi:ldap://x}",
    '"unclosed',
)


async def test_query_syntax_is_only_words(engines, prefix, indexes):
    async with _shop(engines, prefix, GOODS[:1]) as (_, search):
        for words in SYNTAX:
            body = await _search(search, q=words)
            assert (body["degraded"], body["total"]) == (False, 0), words


OUT_OF_BOUNDS = (
    {"q": "x" * 201},
    {"q": "x" * 41},
    {"q": " ".join("abcdefghijklm")},
    {"sort": "_script"},
    {"limit": "51"},
    {"cursor": "nonsense"},
    {"category": "home/../x"},
    {"currency": "euro"},
    {"min_price": "-1"},
)


async def test_what_is_out_of_bounds_is_refused(engines, prefix, indexes):
    async with served(engines, "search", prefix=prefix) as search:
        for params in OUT_OF_BOUNDS:
            status, _ = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
            assert status == 400, params
        for amount in ("1.234", "abc", "1e9"):
            params = {"max_price": amount}
            status, body = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
            assert (status, body["code"]) == (422, "invalid_money")


async def test_the_rebuild_is_for_services_and_staff(engines, prefix, indexes):
    async with served(engines, "search", prefix=prefix) as search:
        assert (await search.call("POST", "/internal/reindex", anonymous=True))[0] == 401
        assert (await search.call("GET", "/internal/reindex"))[0] == 404
