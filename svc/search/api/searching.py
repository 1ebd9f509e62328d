"""Searching, for everyone; and for the staff what was searched for in vain."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from shared.availability import Availability
from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.money import Money
from shared.openapi import GONE_OPT
from shared.pagination import CURSOR_LENGTH_MAX, Page, PageLimit, decode_cursor, make_page, page_size, within
from shared.validated import CategoryPath, in_query
from svc.search import store
from svc.search.api.wire import SearchAnswer, SuggestAnswer, search_answer
from svc.search.domain import (
    FILTER_VALUES_MAX,
    InvalidFilter,
    QueryInvalid,
    Sort,
    Wish,
    check_filters,
    named_values,
    terms_of,
)
from svc.search.searching import Searcher
from svc.search.store.misses import Miss

QUERY_CHARACTERS_MAX = 200
SELLER_CHARACTERS_MAX = 80
LIMIT_MAX = 50
SUGGESTIONS_MAX = 8
MISSES = "misses:times"
STAFF = ("admin", "support")

Words = Annotated[str | None, QueryParameter(max_length=QUERY_CHARACTERS_MAX, required=False)]
Category = Annotated[str | None, in_query(CategoryPath, required=False)]
Amount = Annotated[str | None, QueryParameter(max_length=20, required=False)]
CurrencyWish = Annotated[Currency, QueryParameter(required=False)]
Values = Annotated[list[str] | None, QueryParameter(max_items=FILTER_VALUES_MAX, required=False)]


@get("/api/v1/search", opt={"public": True, GONE_OPT: True}, tags=["search"])
async def search(  # noqa: PLR0913 one per query parameter
    *,
    searcher: NamedDependency[Searcher],
    q: Words = None,
    category: Category = None,
    min_price: Amount = None,
    max_price: Amount = None,
    currency: CurrencyWish = "EUR",
    option: Values = None,
    attribute: Values = None,
    seller: Values = None,
    availability: Annotated[list[Availability] | None, QueryParameter(max_items=3, required=False)] = None,
    sort: FromQuery[Sort] = Sort.RELEVANCE,
    cursor: FromQuery[str | None] = None,
    limit: Annotated[int | None, within(LIMIT_MAX)] = None,
) -> SearchAnswer:
    """Products by words, category (its whole subtree), price, option and attribute (`name:value`), seller and
    availability, best first unless sorted; popular goods before others, sold-out ones later.

    Words are matched with stems, synonyms and small typos. A filter given several times takes any of its values, of
    options and attributes any of each name's. Price, options and availability are those of one variant. A price filter
    takes products with such a price in `currency` only; sorting by price compares prices in `currency`, and goods
    without one come last. All pages of a list show the goods as they were at its first; a cursor is good for some
    minutes (410 `cursor_expired` afterwards).
    """
    wish = Wish(
        terms=terms_of(q or ""),
        category=category,
        price_minor_min=_price(min_price, currency),
        price_minor_max=_price(max_price, currency),
        currency=currency,
        options=named_values("option", option or ()),
        attributes=named_values("attribute", attribute or ()),
        sellers=_sellers(seller or ()),
        availability=tuple(sorted(set(availability or ()))),
        sort=sort,
    )
    check_filters(wish)
    found = await searcher.search(wish, cursor, limit=page_size(limit, default=20, maximum=LIMIT_MAX))
    return search_answer(found, currency)


@get("/api/v1/search/suggest", opt={"public": True}, tags=["search"])
async def suggest(
    searcher: NamedDependency[Searcher], q: Annotated[str, QueryParameter(max_length=QUERY_CHARACTERS_MAX)]
) -> SuggestAnswer:
    """Titles whose words begin as those typed so far; none while the index is away."""
    terms = terms_of(q)
    return SuggestAnswer(await searcher.suggest(" ".join(terms), limit=SUGGESTIONS_MAX) if terms else [])


@get("/api/v1/search/misses", guards=(requires_role(*STAFF, "operator"),), tags=["search"])
async def list_misses(
    database: NamedDependency[Database],
    cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)] = None,
    limit: PageLimit = None,
) -> Page[Miss]:
    """Words that found nothing in the last 30 days, those asked for most first, from three times on.

    What may be about a person is not counted: words with an address or with more than four digits.
    """
    rows = page_size(limit)
    after = decode_cursor(cursor, MISSES, tuple[int, str]) if cursor is not None else None
    async with database.acquire() as connection:
        found = await store.misses.most(connection, after=after, rows_max=rows + 1)
    return make_page(found, rows, order=MISSES, key=lambda miss: (miss.times, miss.words))


def _price(amount: str | None, currency: str) -> int | None:
    if not amount:
        return None
    price = Money.parse(amount, currency)
    if price.amount_minor < 0:
        raise QueryInvalid("a price is not negative")
    return price.amount_minor


def _sellers(given: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    if any(not one or len(one) > SELLER_CHARACTERS_MAX or not one.isprintable() for one in given):
        raise InvalidFilter("seller takes ids of sellers", parameter="seller")
    return tuple(sorted(set(given)))
