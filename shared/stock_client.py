"""Inventory, as those ask it who only show what is left."""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from shared.service_client import ServiceClient

STOCK_TIMEOUT_S = 2.0


class Stock(Protocol):
    """What those who show availability need of inventory."""

    async def available(self, skus: Sequence[str]) -> dict[str, int]:
        """Units that can be bought of up to 100 SKUs; one that inventory does not know is left out."""
        ...


class _Level(msgspec.Struct, frozen=True):
    sku: str
    available: int


class _Levels(msgspec.Struct, frozen=True):
    items: list[_Level]


class StockClient:
    """Inventory over HTTP. Raises what `ServiceClient.request` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def available(self, skus: Sequence[str]) -> dict[str, int]:
        levels = await self._client.request(
            "inventory",
            "GET",
            f"/api/v1/stock?{urlencode({'skus': ','.join(skus)})}",
            response_type=_Levels,
            timeout_s=STOCK_TIMEOUT_S,
        )
        return {level.sku: level.available for level in levels.items}
