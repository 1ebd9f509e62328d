"""What each journey still does while something else is away: the promises that a run with such a fault is judged by.

`works`: answered well, as if nothing were missing. `definite`: answered in time, with less or with a refusal that says
so; never a time-out, never a failure without a name.
"""

from typing import Final, Literal

Promise = Literal["works", "definite"]

LOOK: Final = "look"
SEARCH: Final = "search"
CART: Final = "cart"
PLACE_ORDER: Final = "place_order"
JOURNEYS: Final = (LOOK, SEARCH, CART, PLACE_ORDER)
"""What visitors do, by the names that it has in the history."""

RESILIENCE: Final[dict[str, dict[str, Promise]]] = {
    "elasticsearch": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "smtp": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "search": {LOOK: "works", SEARCH: "definite", CART: "works", PLACE_ORDER: "works"},
    "notifications": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "analytics": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "payments": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "psp": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "kafka": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "redis": {LOOK: "works", SEARCH: "definite", CART: "definite", PLACE_ORDER: "definite"},
    "inventory": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "definite"},
    "catalog-2": {LOOK: "works", SEARCH: "works", CART: "works", PLACE_ORDER: "works"},
    "catalog": {LOOK: "definite", SEARCH: "works", CART: "works", PLACE_ORDER: "definite"},
    "orders": {LOOK: "works", SEARCH: "works", CART: "definite", PLACE_ORDER: "definite"},
}
"""By what is away, the promise of each journey. A prolonged absence of Redis loses limits and caches, not orders."""

NEEDS: Final[dict[str, tuple[str, ...]]] = {"elasticsearch": ("search",), "redis": ("catalog", "orders")}
"""The services whose readiness must say that it is away."""


def dependency_of(target: str) -> str:
    """What is away when a fault hits this target: `elasticsearch` of `all:elasticsearch`, `search` of `search-1`, which
    is all there is; `catalog-2` is one of two.
    """
    return target.rpartition(":")[2].removesuffix("-1")
