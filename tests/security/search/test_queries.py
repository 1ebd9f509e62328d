import pytest

from tests.searching import GOODS, found, shop
from tests.services import served

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
