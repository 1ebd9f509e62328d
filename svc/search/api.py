"""Search over HTTP: for everyone; the rebuild for the operator."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, SkipValidation

from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.money import Money, MoneyWire
from shared.pagination import page_size
from shared.validated import CategoryPath, in_query
from svc.search import handlers, store
from svc.search.domain import QueryInvalid, Sort, UnknownBuild, VariantBody, Wish, terms_of
from svc.search.searching import Bucket, Found, Hit, Searcher, Suggestion

QUERY_CHARACTERS_MAX = 200
LIMIT_MAX = 50
HALTED_LISTED_MAX = 100
SUGGESTIONS_MAX = 8

Words = Annotated[str | None, QueryParameter(max_length=QUERY_CHARACTERS_MAX, required=False)]
Category = Annotated[str | None, in_query(CategoryPath, required=False)]
Amount = Annotated[str | None, QueryParameter(max_length=20, required=False)]
CurrencyWish = Annotated[Currency, QueryParameter(required=False)]
QueueRebuild = Callable[[UUID], Awaitable[None]]
"""Queues the job of a stored build."""
SERVICES = (requires_role("service", "admin", "operator"),)


class VariantView(msgspec.Struct, frozen=True):
    sku: str
    options: dict[str, str]
    price: MoneyWire


class HitView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    slug: str
    title: str
    description: str
    category: str
    variants: list[VariantView]


class CategoryCount(msgspec.Struct, frozen=True):
    path: str
    count: int


class PriceCount(msgspec.Struct, frozen=True):
    """At least `from_amount`, less than `to_amount`; decimal strings of the wished currency."""

    from_amount: str
    to_amount: str | None
    count: int


class OptionCount(msgspec.Struct, frozen=True):
    name: str
    value: str
    count: int


class FacetsView(msgspec.Struct, frozen=True):
    categories: list[CategoryCount]
    prices: list[PriceCount]
    options: list[OptionCount]


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`degraded`: the index is away and the catalog answered: no ranking, no facets, no count."""

    items: list[HitView]
    total: int | None
    facets: FacetsView
    next_cursor: str | None
    degraded: bool


class SuggestAnswer(msgspec.Struct, frozen=True):
    items: list[Suggestion]


class BuildView(msgspec.Struct, frozen=True, kw_only=True):
    """A rebuild of the index; `documents` counts those written so far."""

    id: UUID
    status: str
    index_name: str | None
    documents: int
    reason: str | None
    requested_at: datetime
    ended_at: datetime | None


class HaltedAnswer(msgspec.Struct, frozen=True):
    items: list[store.Halted]


@get("/api/v1/search", opt={"public": True}, tags=["search"])
async def search(  # noqa: PLR0913 one per query parameter
    *,
    searcher: NamedDependency[Searcher],
    q: Words = None,
    category: Category = None,
    min_price: Amount = None,
    max_price: Amount = None,
    currency: CurrencyWish = "EUR",
    sort: FromQuery[Sort] = Sort.RELEVANCE,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> SearchAnswer:
    """Products by words, category (its whole subtree) and price, best first unless sorted.

    Words are matched with stems, synonyms and small typos. A price filter takes products with such a price in
    `currency` only; sorting by price compares prices in `currency`, and goods without one come last.
    """
    wish = Wish(
        terms=terms_of(q or ""),
        category=category,
        price_minor_min=_price(min_price, currency),
        price_minor_max=_price(max_price, currency),
        currency=currency,
        sort=sort,
    )
    found = await searcher.search(wish, cursor, limit=page_size(limit, default=20, maximum=LIMIT_MAX))
    return _answer(found, currency)


@get("/api/v1/search/suggest", opt={"public": True}, tags=["search"])
async def suggest(
    searcher: NamedDependency[Searcher], q: Annotated[str, QueryParameter(max_length=QUERY_CHARACTERS_MAX)]
) -> SuggestAnswer:
    """Titles whose words begin as those typed so far; none while the index is away."""
    terms = terms_of(q)
    return SuggestAnswer(await searcher.suggest(" ".join(terms), limit=SUGGESTIONS_MAX) if terms else [])


@post("/internal/reindex", status_code=202, guards=SERVICES, tags=["internal"])
async def reindex(
    database: NamedDependency[Database], queue_rebuild: NamedDependency[SkipValidation[QueueRebuild]]
) -> BuildView:
    """Rebuild the index from the catalog beside the one in use; while a rebuild is open, that one is given."""
    async with database.begin() as uow:
        build = await handlers.request_rebuild(uow)
    await queue_rebuild(build.id)
    return _build_view(build)


@get("/internal/reindex", guards=SERVICES, tags=["internal"])
async def show_reindex(database: NamedDependency[Database]) -> BuildView:
    """The newest rebuild and how far it is."""
    async with database.acquire() as connection:
        build = await store.latest_build(connection)
    if build is None:
        raise UnknownBuild("nobody asked for a rebuild yet")
    return _build_view(build)


@get("/internal/documents/halted", guards=SERVICES, tags=["internal"])
async def show_halted(database: NamedDependency[Database]) -> HaltedAnswer:
    """Documents nobody tries to index any more, the newest first; a rebuild tries them again."""
    async with database.acquire() as connection:
        return HaltedAnswer(await store.halted(connection, rows_max=HALTED_LISTED_MAX))


def _price(amount: str | None, currency: str) -> int | None:
    if not amount:
        return None
    price = Money.parse(amount, currency)
    if price.amount_minor < 0:
        raise QueryInvalid("a price is not negative")
    return price.amount_minor


def _answer(found: Found, currency: str) -> SearchAnswer:
    return SearchAnswer(
        items=[_hit_view(hit) for hit in found.hits],
        total=found.total,
        facets=FacetsView(
            categories=[CategoryCount(bucket.key, bucket.count) for bucket in found.facets.categories],
            prices=[_price_count(bucket, currency) for bucket in found.facets.prices],
            options=[_option_count(bucket) for bucket in found.facets.options],
        ),
        next_cursor=found.next_cursor,
        degraded=found.degraded,
    )


def _hit_view(hit: Hit) -> HitView:
    return HitView(
        id=hit.product_id,
        slug=hit.slug,
        title=hit.title,
        description=hit.description,
        category=hit.category,
        variants=[_variant_view(variant) for variant in hit.variants],
    )


def _variant_view(variant: VariantBody) -> VariantView:
    return VariantView(variant.sku, variant.options, Money(variant.price_minor, variant.currency).to_wire())


def _price_count(bucket: Bucket, currency: str) -> PriceCount:
    upper = None if bucket.to_minor is None else Money(bucket.to_minor, currency).decimal_string
    return PriceCount(Money(bucket.from_minor or 0, currency).decimal_string, upper, bucket.count)


def _option_count(bucket: Bucket) -> OptionCount:
    name, _, value = bucket.key.partition("=")
    return OptionCount(name, value, bucket.count)


def _build_view(build: store.Build) -> BuildView:
    return BuildView(
        id=build.id,
        status=build.status,
        index_name=build.index_name,
        documents=build.documents,
        reason=build.reason,
        requested_at=build.requested_at,
        ended_at=build.ended_at,
    )


ROUTES: tuple[Any, ...] = (search, suggest, reindex, show_reindex, show_halted)
