"""From a wish to a query of the engine: bounded, and built of values only, never of the caller's syntax. Pure."""

from collections.abc import Sequence
from typing import Any

from svc.search.domain import Sort, Wish
from svc.search.querying.counting import facets
from svc.search.querying.matching import exactly, matching
from svc.search.querying.narrowing import filters, offer_conditions

TOTAL_COUNTED_MAX = 10_000
ENGINE_TIMEOUT = "900ms"
CORRECTED_FROM_CHARACTERS = 4
"""A shorter word is next to too many others."""

SHOWN = ("product_id", "slug", "title", "description", "category", "variants")
PRICE_SORTS = {Sort.PRICE_ASC: ("asc", "min"), Sort.PRICE_DESC: ("desc", "max")}
"""Direction, and which of a product's prices in the wished currency counts."""

Body = dict[str, Any]


def search_body(wish: Wish, *, after: Sequence[object] | None, size: int) -> Body:
    """The query with its facets; a facet's counts leave its own filter out, so that people see what else there is.

    The first page of words also asks how else they may be spelled.
    """
    body: Body = {
        "query": matching(wish),
        "post_filter": {"bool": {"filter": filters(wish)}},
        "aggs": {**facets(wish), "exactly": {"filter": exactly(wish)}},
        "sort": [*_order(wish), {"product_id": "asc"}],
        "size": size,
        "source": list(SHOWN),
        "track_total_hits": TOTAL_COUNTED_MAX,
        "timeout": ENGINE_TIMEOUT,
    }
    if after is not None:
        body["search_after"] = list(after)
    elif wish.terms:
        body["suggest"] = {"spelling": {"text": wish.text, "term": _corrections()}}
    return body


def suggest_body(text: str, *, size: int) -> Body:
    """Titles with words that begin as those of the text."""
    return {
        "query": {"match": {"title.prefix": {"query": text, "operator": "and"}}},
        "sort": [{"_score": "desc"}, {"title.sort": "asc"}],
        "collapse": {"field": "title.sort"},
        "size": size,
        "source": ["title", "slug"],
        "timeout": ENGINE_TIMEOUT,
    }


def _order(wish: Wish) -> list[Body]:
    """By price means in the wished currency and among the variants that fit; goods without such a price come last."""
    if wish.sort is Sort.TITLE:
        return [{"title.sort": "asc"}]
    if wish.sort is Sort.POPULARITY:
        return [{"popularity": "desc"}]
    if wish.sort not in PRICE_SORTS:
        return [{"_score": "desc"}]
    direction, mode = PRICE_SORTS[wish.sort]
    nested = {"path": "offers", "filter": {"bool": {"filter": offer_conditions(wish, in_currency=True)}}}
    return [{"offers.price_minor": {"order": direction, "mode": mode, "missing": "_last", "nested": nested}}]


def _corrections() -> Body:
    """For each word that no document has, the likeliest that one has."""
    return {
        "field": "spelling",
        "suggest_mode": "missing",
        "size": 1,
        "max_edits": 2,
        "prefix_length": 1,
        "min_word_length": CORRECTED_FROM_CHARACTERS,
    }
