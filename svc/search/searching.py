"""Answers a search: by the engine, or by the catalog's plain look-up while the engine is away, and then says so."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from shared import caller
from shared.circuit_breaker import CircuitBreaker, CircuitOpenError
from shared.errors import RemoteRefusal
from shared.pagination import InvalidCursor, decode_cursor, encode_cursor
from svc.search import querying
from svc.search.clients import Catalog, Engine, SearchEngineUnavailableError
from svc.search.domain import ProductBody, QueryInvalid, Sort, VariantBody, Wish

log = structlog.get_logger(__name__)

CURSOR_VALUES: dict[Sort, Any] = {
    Sort.RELEVANCE: tuple[float, str],
    Sort.PRICE_ASC: tuple[int, str],
    Sort.PRICE_DESC: tuple[int, str],
    Sort.TITLE: tuple[str, str],
}
LOOKUP_ORDER = "search:lookup"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    product_id: UUID
    slug: str
    title: str
    description: str
    category: str
    variants: tuple[VariantBody, ...]


class Bucket(msgspec.Struct, frozen=True):
    """One value of a facet; for prices the bounds are minor units, the upper one excluded."""

    key: str
    count: int
    from_minor: int | None = None
    to_minor: int | None = None


class Facets(msgspec.Struct, frozen=True):
    categories: tuple[Bucket, ...] = ()
    prices: tuple[Bucket, ...] = ()
    options: tuple[Bucket, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`total` is None where nobody counted; degraded answers have no facets, no ranking and no sort."""

    hits: tuple[Hit, ...]
    total: int | None
    facets: Facets = Facets()
    next_cursor: str | None = None
    degraded: bool = False


class Suggestion(msgspec.Struct, frozen=True):
    title: str
    slug: str


class Searcher:
    """Asks the engine behind a breaker, so that a dead one costs nobody a wait."""

    def __init__(
        self, engine: Engine, catalog: Catalog, breaker: CircuitBreaker, *, index: str, timeout_s: float
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._breaker = breaker
        self._index = index
        self._timeout_s = timeout_s

    async def search(self, wish: Wish, cursor: str | None, *, limit: int) -> Found:
        """One page. Raises `InvalidCursor`, `QueryInvalid`, and what the catalog raises when that is away as well."""
        order = f"search:{wish.sort}:{wish.currency}"
        if cursor is not None and _is_lookup(cursor):
            return await self._look_up(wish, cursor, limit=limit)
        after = None if cursor is None else decode_cursor(cursor, order, CURSOR_VALUES[wish.sort])
        body = querying.search_body(wish, after=after, size=limit + 1)
        try:
            answer = await self._ask(body)
        except (SearchEngineUnavailableError, CircuitOpenError) as error:
            log.warning("search_degraded", error=str(error)[:200])
            return await self._look_up(wish, None, limit=limit)
        found = _found(answer, order, limit=limit)
        if not found.total and wish.terms:
            log.info("search_found_nothing", words=wish.text)
        return found

    async def suggest(self, text: str, *, limit: int) -> list[Suggestion]:
        """Titles that begin so; none while the engine is away."""
        try:
            answer = await self._ask(querying.suggest_body(text, size=limit))
        except (SearchEngineUnavailableError, CircuitOpenError) as error:
            log.warning("suggest_degraded", error=str(error)[:200])
            return []
        return [Suggestion(hit["_source"]["title"], hit["_source"]["slug"]) for hit in answer["hits"]["hits"]]

    async def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        async with self._breaker.guard(caller=caller.current()):
            return await self._engine.search(self._index, body, timeout_s=self._timeout_s)

    async def _look_up(self, wish: Wish, cursor: str | None, *, limit: int) -> Found:
        """The catalog knows words and categories; prices are compared here, within the page."""
        theirs = decode_cursor(cursor, LOOKUP_ORDER, tuple[str])[0] if cursor else None
        try:
            page = await self._catalog.look_up(wish, theirs, limit=limit)
        except RemoteRefusal as refusal:  # of what the caller sent, which is passed on as it is
            if refusal.code == InvalidCursor.code:
                raise InvalidCursor("the cursor is not valid") from refusal
            raise QueryInvalid("this cannot be searched for") from refusal
        bodies = [document.body for document in page.documents if document.body is not None]
        return Found(
            hits=tuple(_hit_of(body) for body in bodies if _price_fits(body, wish)),
            total=None,
            next_cursor=encode_cursor(LOOKUP_ORDER, [page.next_cursor]) if page.next_cursor else None,
            degraded=True,
        )


def _found(answer: dict[str, Any], order: str, *, limit: int) -> Found:
    rows = answer["hits"]["hits"]
    return Found(
        hits=tuple(msgspec.convert(row["_source"], Hit) for row in rows[:limit]),
        total=answer["hits"]["total"]["value"],
        facets=_facets(answer["aggregations"]),
        next_cursor=encode_cursor(order, rows[limit - 1]["sort"]) if len(rows) > limit else None,
    )


def _facets(aggregations: dict[str, Any]) -> Facets:
    return Facets(
        categories=_buckets(aggregations["categories"]["counted"]["buckets"]),
        prices=_price_buckets(aggregations["prices"]["counted"]["wished"]["ranges"]["buckets"]),
        options=_buckets(aggregations["options"]["counted"]["buckets"]),
    )


def _buckets(rows: Sequence[dict[str, Any]]) -> tuple[Bucket, ...]:
    return tuple(Bucket(str(row["key"]), row["doc_count"]) for row in rows if row["doc_count"] > 0)


def _price_buckets(rows: Sequence[dict[str, Any]]) -> tuple[Bucket, ...]:
    return tuple(
        Bucket(
            str(row["key"]),
            row["products"]["doc_count"],
            int(row["from"]) if "from" in row else None,
            int(row["to"]) if "to" in row else None,
        )
        for row in rows
        if row["products"]["doc_count"] > 0
    )


def _hit_of(body: ProductBody) -> Hit:
    return Hit(
        product_id=body.product_id,
        slug=body.slug,
        title=body.title,
        description=body.description,
        category=body.category,
        variants=body.variants,
    )


def _price_fits(body: ProductBody, wish: Wish) -> bool:
    if not wish.has_price:
        return True
    low = wish.price_minor_min or 0
    return any(
        variant.currency == wish.currency
        and variant.price_minor >= low
        and (wish.price_minor_max is None or variant.price_minor <= wish.price_minor_max)
        for variant in body.variants
    )


def _is_lookup(cursor: str) -> bool:
    """Whether the page before was answered by the catalog; its cursor fits nothing else."""
    try:
        decode_cursor(cursor, LOOKUP_ORDER, tuple[str])
    except InvalidCursor:
        return False
    return True
