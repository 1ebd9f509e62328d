"""Planted: a cart whose lines are priced one by one."""

from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.clients import CatalogClient, Variant

CARD = DefectCard(
    id="query-per-line",
    title="A cart asks the catalog once for each of its lines (N+1)",
    parts=("orders.catalog",),
    root_cause="The client knows a call for many, and the loop over the lines calls it with one.",
    caught_by=("INV-21",),
    exposed_by="A cart with more than a few lines.",
    symptoms="A cart of twenty lines is twenty calls and twenty statements; the catalog is busy with carts.",
    fix="One call for all lines, in one statement, kept for a moment.",
    origin="The incident's own review: 47 queries a response; N+1 over HTTP.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Prices for showing, each fetched by itself."""
    client: type[CatalogClient] = healthy

    class OneByOne(client):
        """A call per SKU, and nothing kept."""

        async def variants(self, skus: Sequence[str]) -> dict[str, Variant]:
            found: dict[str, Variant] = {}
            for sku in skus:
                found |= await super().current([sku])
            return found

    return OneByOne


TWINS: Twins = {"orders.catalog": twin}
