import pytest

from shared.pagination import encode_cursor
from svc.search.clients import Engine
from svc.search.domain import QueryInvalid, Sort, Wish
from svc.search.searching import LOOKUP_ORDER
from tests.support.searching import GOODS, found, item, shop
from tests.support.services import served

pytestmark = pytest.mark.service("search")


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
    "(a+)+$ (.*)*x{1,9999}",
    "a?b*c? ????????",
    "_exists_:title OR _id:1",
    "<1..9999999999>",
    "~~~~99",
)


async def test_query_syntax_is_only_words(engines, prefix, indexes):
    async with shop(engines, prefix, GOODS[:1]) as (_, search):
        for words in SYNTAX:
            body = await found(search, q=words)
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
    {"option": "colour"},
    {"option": "colour:"},
    {"attribute": ":oak"},
    {"attribute": "a\x1fb:c"},
    {"attribute": "material:" + "x" * 260},
    {"seller": ""},
    {"seller": "x" * 81},
    {"seller": "a\nb"},
    {"availability": "plenty"},
    {"option": [f"colour:{n}" for n in range(21)]},
    {"option": [f"colour:{n}" for n in range(15)], "attribute": [f"legs:{n}" for n in range(15)]},
    {"seller": [f"s{n}" for n in range(200)]},
    {"availability": ["in_stock"] * 4},
)


async def test_filters_are_values_and_no_syntax(engines, prefix, indexes):
    lamp = item("Lamp", "L-1", options={"colour": "red"}, attributes={"material": "oak"}, seller_id="ann")
    async with shop(engines, prefix, [lamp]) as (_, search):
        for name in ("option", "attribute"):
            for text in ("colour:*", "colour:r.*", "*:*", "material:o?k", "material:/oak/", "_id:1", "a]>[:b", 'x:"}]'):
                assert (await found(search, **{name: text}))["total"] == 0, text
        for text in ("*", "a*", "ann OR bob", "/.*/", '"ann"'):
            assert (await found(search, seller=text))["total"] == 0, text


async def test_what_is_out_of_bounds_is_refused(engines, prefix, indexes):
    async with served(engines, "search", prefix=prefix) as search:
        for params in OUT_OF_BOUNDS:
            status, _ = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
            assert status == 400, params
        for amount in ("1.234", "abc", "1e9"):
            params = {"max_price": amount}
            status, body = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
            assert (status, body["code"]) == (422, "invalid_money")


FOREIGN = {
    Sort.RELEVANCE: (("", float("inf"), "a", 0), ("", float("nan"), "a", 0), ("", 1.0, "\x00", 0), ("", 1.0, "a")),
    Sort.PRICE_ASC: (("", 2**63, "a", 0), ("", 1, "a", 2**63)),
}


async def test_a_cursor_that_the_engine_or_the_catalog_would_refuse_is_invalid(engines, prefix, indexes):
    async with shop(engines, prefix, GOODS[:1]) as (_, search):
        wishes = {sort: Wish(terms=("mugs",), sort=sort) for sort in FOREIGN}
        targets = [(sort, encode_cursor(wishes[sort].order, it)) for sort, values in FOREIGN.items() for it in values]
        for sort, cursor in [*targets, ("relevance", encode_cursor(LOOKUP_ORDER, ["garbage"]))]:
            params = {"q": "mugs", "sort": str(sort), "cursor": cursor}
            status, problem = await search.call("GET", "/api/v1/search", params=params, anonymous=True)
            assert (status, problem["code"]) == (400, "invalid_cursor"), (sort, cursor)


async def test_a_query_that_the_engine_refuses_is_a_refusal_and_no_failure(engines, prefix, indexes):
    async with shop(engines, prefix, GOODS[:1]):
        engine = Engine(engines.elasticsearch)
        await engine.open()
        try:
            by_price = {"offers.price_minor": {"order": "asc", "nested": {"path": "offers"}}}
            body = {"query": {"match_all": {}}, "sort": [by_price], "search_after": ["garbage"]}
            with pytest.raises(QueryInvalid):
                await engine.search(indexes, body, timeout_s=5.0)
        finally:
            await engine.close()


async def test_the_rebuild_is_for_services_and_staff(engines, prefix, indexes):
    async with served(engines, "search", prefix=prefix) as search:
        assert (await search.call("POST", "/internal/reindex", anonymous=True))[0] == 401
        assert (await search.call("GET", "/internal/reindex"))[0] == 404
