"""Other spellings, and words that found nothing, for the staff."""

import pytest

from shared.pagination import encode_cursor
from tests.support.cataloguing import ADMIN, CUSTOMER
from tests.support.searching import GOODS, found, shop
from tests.support.services import until

pytestmark = pytest.mark.service("search")

QUICK = {"misses_every_s": 0.05}


async def misses(search, **params):
    status, body = await search.call("GET", "/api/v1/search/misses", params=params, principal=ADMIN)
    assert status == 200, body
    return [(miss["words"], miss["times"]) for miss in body["items"]], body["next_cursor"]


async def ask_for(search, words, times):
    for _ in range(times):
        assert (await found(search, q=words))["total"] == 0


async def test_other_words_are_offered_where_none_is_spelled_as_asked(engines, prefix, indexes):
    async with shop(engines, prefix) as (_, search):
        for words, offered in (
            ("telvision", "television"),
            ("blue mgus", "blue mugs"),
            ("Woden tabel", "wooden table"),
            ("zzzzzzzz", None),
            ("mug", None),  # a stem
            ("cups", None),  # a synonym
            ("cafe", None),
            (None, None),
        ):
            body = await found(search, **({"q": words} if words else {}))
            said = body["did_you_mean"]
            assert (said.casefold() if said else said) == offered, words
        assert (await found(search, q="television"))["did_you_mean"] is None


async def test_staff_reads_what_found_nothing_most_often_first(engines, prefix, indexes):
    async with shop(engines, prefix, GOODS[:1], **QUICK) as (_, search):
        await ask_for(search, "Zebra", 2)
        await ask_for(search, "zebra", 2)
        await ask_for(search, "yeti  rug", 3)
        await ask_for(search, "seldom", 2)
        await ask_for(search, "somebody@example.com", 3)
        await ask_for(search, "4111111111111111", 3)
        await found(search, q="mug", max_price="1")  # narrowed to nothing, but no word that finds nothing

        async def counted():
            return await misses(search) == ([("zebra", 4), ("yeti rug", 3)], None)

        await until(counted)
        first, cursor = await misses(search, limit=1)
        assert (first, await misses(search, limit=1, cursor=cursor)) == ([("zebra", 4)], ([("yeti rug", 3)], None))


async def test_what_found_nothing_is_for_staff_alone(engines, prefix, indexes):
    async with shop(engines, prefix, GOODS[:1]) as (_, search):
        path = "/api/v1/search/misses"
        assert (await search.call("GET", path, anonymous=True))[0] == 401
        assert (await search.call("GET", path, principal=CUSTOMER))[0] == 403
        for params, code in (
            ({"limit": 0}, "invalid_page_size"),
            ({"limit": 101}, "invalid_page_size"),
            ({"cursor": "x"}, "invalid_cursor"),
            ({"cursor": encode_cursor("misses:times", (2**63, "a"))}, "invalid_cursor"),
            ({"cursor": encode_cursor("misses:times", (1, "\x00"))}, "invalid_cursor"),
        ):  # fmt: skip
            status, problem = await search.call("GET", path, params=params, principal=ADMIN)
            assert (status, problem["code"]) == (400, code), params
