"""The filters of a wish, each of which a facet can leave out. Pure."""

from typing import Any

from svc.search.domain import NAMED, Wish

Filter = dict[str, Any]


def filters(wish: Wish, *, without: str = "") -> list[Filter]:
    """What a product must fit beside the words, but for the filter `without`: `category`, `price`, `seller`,
    `availability`, or `option:` or `attribute:` and its name.
    """
    found: list[Filter] = []
    if wish.category is not None and without != "category":
        found.append({"term": {"category_paths": wish.category}})
    if wish.sellers and without != "seller":
        found.append({"terms": {"seller_id": list(wish.sellers)}})
    for name, values in wish.attributes.items():
        if without != f"attribute:{name}":
            found.append(_named("attributes", name, values))
    if offered := offer_conditions(wish, without=without):
        found.append({"nested": {"path": "offers", "query": {"bool": {"filter": offered}}}})
    return found


def offer_conditions(wish: Wish, *, without: str = "", in_currency: bool = False) -> list[Filter]:
    """What one and the same variant must fit; in the wished currency where its price matters or `in_currency`."""
    found: list[Filter] = []
    priced = wish.has_price and without != "price"
    if priced or in_currency:
        found.append({"term": {"offers.currency": wish.currency}})
    if priced:
        given = {"gte": wish.price_minor_min, "lte": wish.price_minor_max}
        bounds = {name: bound for name, bound in given.items() if bound is not None}
        found.append({"range": {"offers.price_minor": bounds}})
    for name, values in wish.options.items():
        if without != f"option:{name}":
            found.append(_named("offers.options", name, values))
    if wish.availability and without != "availability":
        found.append({"terms": {"offers.availability": [str(it) for it in wish.availability]}})
    return found


def _named(field: str, name: str, values: tuple[str, ...]) -> Filter:
    return {"terms": {field: [f"{name}{NAMED}{value}" for value in values]}}
