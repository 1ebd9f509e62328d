"""Planted: a checkout that asks the search engine what else to recommend, and does without an order rather than it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.errors import RemoteUnavailableError
from shared.settings import ServiceSettings
from svc.orders.clients import CatalogClient, Variant

CARD = DefectCard(
    id="checkout-needs-search",
    title="No order without the search engine",
    parts=("orders.catalog",),
    root_cause="Recommendations for the confirmation are fetched in the request, from an engine nobody needs to buy.",
    caught_by=("INV-26",),
    exposed_by="Elasticsearch away, or slow.",
    symptoms="Checkout success falls to nothing while stock, payments and orders are well.",
    fix="What an order does not need comes after it, by an event; the request asks only what it cannot do without.",
    origin="Michael Nygard, Release It!: integration points; a soft dependency wired hard.",
)

RECOMMENDED = "/api/v1/search?q=lamp&limit=3"


class _Recommendations(msgspec.Struct):
    degraded: bool


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """Prices for buying that come with recommendations."""
    client: type[CatalogClient] = healthy

    class Recommending(client):
        """Asks the search service first, and takes nothing less than its best."""

        async def current(self, skus: Sequence[str]) -> dict[str, Variant]:
            found = await self._client.request("search", "GET", RECOMMENDED, response_type=_Recommendations)
            if found.degraded:
                raise RemoteUnavailableError("no recommendations", effect_possible=False)
            return await super().current(skus)

    return Recommending


TWINS: Twins = {"orders.catalog": twin}
