"""The facets: how many products there would be for each value of a filter, without what it filters by now. Pure."""

from itertools import pairwise
from typing import Any

from svc.search.domain import Wish
from svc.search.querying.narrowing import Filter, filters, offer_conditions

CATEGORIES_SHOWN_MAX = 30
NAMED_SHOWN_MAX = 40
"""Values of options, and of attributes, over all names."""
NAMED_COUNTED_MAX = 200
"""Where only those of one name are wanted, which are picked out afterwards."""
SELLERS_SHOWN_MAX = 20
PRICE_STEPS_MINOR = (0, 1_000, 2_500, 5_000, 10_000, 25_000)

Counted = dict[str, Any]


def facets(wish: Wish) -> dict[str, Counted]:
    """One aggregation per facet; of options and attributes one more for each name that is filtered by, in its place.

    Each holds its buckets in `counted`; those over variants count products in `products`.
    """
    every = {
        "categories": _over_products(wish, "category", "category_paths", CATEGORIES_SHOWN_MAX),
        "sellers": _over_products(wish, "seller", "seller_id", SELLERS_SHOWN_MAX),
        "attributes": _over_products(wish, "", "attributes", NAMED_SHOWN_MAX),
        "options": _over_offers(wish, "", _terms("offers.options", NAMED_SHOWN_MAX)),
        "availability": _over_offers(wish, "availability", _terms("offers.availability", 3)),
        "prices": _over_offers(wish, "price", _price_ranges(), in_currency=True),
    }
    for position, name in enumerate(wish.attributes):
        own = _over_products(wish, f"attribute:{name}", "attributes", NAMED_COUNTED_MAX)
        every[f"attribute_{position}"] = own
    for position, name in enumerate(wish.options):
        own = _over_offers(wish, f"option:{name}", _terms("offers.options", NAMED_COUNTED_MAX))
        every[f"option_{position}"] = own
    return every


def _over_products(wish: Wish, own: str, field: str, size: int) -> Counted:
    return _within(filters(wish, without=own), _terms(field, size))


def _over_offers(wish: Wish, own: str, counted: Counted, *, in_currency: bool = False) -> Counted:
    """Products, not variants, by what those of their variants have that fit all else."""
    fitting = offer_conditions(wish, without=own, in_currency=in_currency)
    products: Counted = {"reverse_nested": {}}
    by_product = {**counted, "aggs": {"products": products}}
    offers = {"nested": {"path": "offers"}, "aggs": {"fitting": _within(fitting, by_product)}}
    return {"filter": {"bool": {"filter": filters(wish, without=own)}}, "aggs": {"offers": offers}}


def _within(conditions: list[Filter], counted: Counted) -> Counted:
    return {"filter": {"bool": {"filter": conditions}}, "aggs": {"counted": counted}}


def _terms(field: str, size: int) -> Counted:
    return {"terms": {"field": field, "size": size}}


def _price_ranges() -> Counted:
    steps = list(PRICE_STEPS_MINOR)
    bounded = [{"from": low, "to": high} for low, high in pairwise(steps)]
    return {"range": {"field": "offers.price_minor", "ranges": [*bounded, {"from": steps[-1]}]}}
