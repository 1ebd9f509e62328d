"""From a wish to a query of the engine: bounded, and built of values only, never of the caller's syntax. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from svc.search.domain import Sort, Wish

EXPANSIONS_MAX = 30
CATEGORIES_SHOWN_MAX = 30
OPTIONS_SHOWN_MAX = 20
TOTAL_COUNTED_MAX = 10_000
ENGINE_TIMEOUT = "900ms"
PRICE_STEPS_MINOR = (0, 1_000, 2_500, 5_000, 10_000, 25_000)

SHOWN = ("product_id", "slug", "title", "description", "category", "variants")
PRICE_SORTS = {Sort.PRICE_ASC: ("asc", "min"), Sort.PRICE_DESC: ("desc", "max")}
"""Direction, and which of a product's prices in the wished currency counts."""


def search_body(wish: Wish, *, after: Sequence[object] | None, size: int) -> dict[str, Any]:
    """The query with its facets; a facet's counts leave its own filter out, so that people see what else there is."""
    category, price = _category_filter(wish), _price_filter(wish)
    body: dict[str, Any] = {
        "query": _matching(wish),
        "post_filter": {"bool": {"filter": [*category, *price]}},
        "aggs": {
            "categories": _facet(price, {"terms": {"field": "category_paths", "size": CATEGORIES_SHOWN_MAX}}),
            "prices": _facet(category, _prices_counted(wish)),
            "options": _facet([*category, *price], {"terms": {"field": "option_values", "size": OPTIONS_SHOWN_MAX}}),
        },
        "sort": [*_order(wish), {"product_id": "asc"}],
        "size": size,
        "source": list(SHOWN),
        "track_total_hits": TOTAL_COUNTED_MAX,
        "timeout": ENGINE_TIMEOUT,
    }
    if after is not None:
        body["search_after"] = list(after)
    return body


def suggest_body(text: str, *, size: int) -> dict[str, Any]:
    """Titles with words that begin as those of the text."""
    return {
        "query": {"match": {"title.prefix": {"query": text, "operator": "and"}}},
        "sort": [{"_score": "desc"}, {"title.sort": "asc"}],
        "collapse": {"field": "title.sort"},
        "size": size,
        "source": ["title", "slug"],
        "timeout": ENGINE_TIMEOUT,
    }


def _order(wish: Wish) -> list[dict[str, Any]]:
    """By price means in the wished currency; goods without a price in it come last, in either direction."""
    if wish.sort is Sort.TITLE:
        return [{"title.sort": "asc"}]
    if wish.sort not in PRICE_SORTS:
        return [{"_score": "desc"}]
    direction, mode = PRICE_SORTS[wish.sort]
    nested = {"path": "prices", "filter": _in_currency(wish)}
    return [{"prices.price_minor": {"order": direction, "mode": mode, "missing": "_last", "nested": nested}}]


def _matching(wish: Wish) -> dict[str, Any]:
    if not wish.terms:
        return {"match_all": {}}
    text = wish.text
    exact = {"query": text, "minimum_should_match": "3<-1"}
    typos = {
        "analyzer": "text",
        "fuzziness": "AUTO",
        "prefix_length": 1,
        "max_expansions": EXPANSIONS_MAX,
        "boost": 0.2,
    }
    return {
        "bool": {
            "must": {
                "bool": {
                    "should": [
                        {"match": {"everything": exact}},
                        {"match": {"everything": {**exact, **typos}}},
                        {"term": {"skus": {"value": text, "boost": 50}}},
                    ],
                    "minimum_should_match": 1,
                }
            },
            "should": [
                {"match": {"title": {"query": text, "boost": 4}}},
                {"match": {"category_words": {"query": text, "boost": 2}}},
                {"match_phrase": {"title": {"query": text, "boost": 3}}},
            ],
        }
    }


def _category_filter(wish: Wish) -> list[dict[str, Any]]:
    return [] if wish.category is None else [{"term": {"category_paths": wish.category}}]


def _price_filter(wish: Wish) -> list[dict[str, Any]]:
    if not wish.has_price:
        return []
    bounds = {"gte": wish.price_minor_min, "lte": wish.price_minor_max}
    in_range = {"range": {"prices.price_minor": {name: bound for name, bound in bounds.items() if bound is not None}}}
    return [{"nested": {"path": "prices", "query": {"bool": {"filter": [_in_currency(wish), in_range]}}}}]


def _in_currency(wish: Wish) -> dict[str, Any]:
    return {"term": {"prices.currency": wish.currency}}


def _prices_counted(wish: Wish) -> dict[str, Any]:
    """Products, not prices, in each range of the wished currency."""
    ranges = {"range": {"field": "prices.price_minor", "ranges": _price_ranges()}}
    products: dict[str, Any] = {"products": {"reverse_nested": {}}}
    wished: dict[str, Any] = {"filter": _in_currency(wish), "aggs": {"ranges": {**ranges, "aggs": products}}}
    return {"nested": {"path": "prices"}, "aggs": {"wished": wished}}


def _facet(filters: list[dict[str, Any]], counted: dict[str, Any]) -> dict[str, Any]:
    return {"filter": {"bool": {"filter": filters}}, "aggs": {"counted": counted}}


def _price_ranges() -> list[dict[str, int]]:
    steps = list(PRICE_STEPS_MINOR)
    bounded = [{"from": low, "to": high} for low, high in pairwise(steps)]
    return [*bounded, {"from": steps[-1]}]
