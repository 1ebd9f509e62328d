"""The catalog's prices: from the cache for browsing, from the catalog itself for buying."""

import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from shared.bounded_map import BoundedMap
from shared.cache import Cache
from shared.fresh_reads import FreshReads
from shared.service_client import ServiceClient
from shared.tax_classes import TaxClass
from svc.orders.settings import Settings

LOCAL_PRICES_S = 0.5
LOCAL_ENTRIES_MAX = 2_000
FOR_SALE = "active"


class Variant(msgspec.Struct, frozen=True):
    """What the catalog says of a SKU; `price_minor` is before the tax of its `tax_class`."""

    sku: str
    product_id: UUID
    title: str
    price_minor: int
    currency: str
    status: str
    tax_class: TaxClass
    seller_id: str | None = None

    @property
    def for_sale(self) -> bool:
        return self.status == FOR_SALE


class Catalog(Protocol):
    async def variants(self, skus: Sequence[str]) -> dict[str, Variant]: ...

    async def current(self, skus: Sequence[str]) -> dict[str, Variant]: ...


class _Variants(msgspec.Struct):
    items: list[Variant]


class CatalogClient:
    """What goods cost: from the cache for browsing, from the catalog itself for buying."""

    def __init__(self, client: ServiceClient, cache: Cache, config: Settings) -> None:
        self._client = client
        self._cache = cache
        self._config = config
        self._local: BoundedMap[str, tuple[float, dict[str, Variant]]] = BoundedMap(LOCAL_ENTRIES_MAX)
        self._reads = FreshReads(self._load)

    async def current(self, skus: Sequence[str]) -> dict[str, Variant]:
        """The known ones among the SKUs, as the catalog has them now: a change that was acknowledged before is seen.

        Raises what `ServiceClient.request` raises.
        """
        return {variant.sku: variant for variant in await self._reads.get(",".join(sorted(skus)))}

    async def variants(self, skus: Sequence[str]) -> dict[str, Variant]:
        """The known ones among the SKUs, at most `price_ttl_s` + `LOCAL_PRICES_S` old: for showing, never for buying.

        Raises what `ServiceClient.request` raises.
        """
        wanted = ",".join(sorted(skus))
        known = self._local.get(wanted)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        items = await self._cache.get_or_load(
            f"variants:{wanted}", lambda: self._load(wanted), value_type=list[Variant], ttl_s=self._config.price_ttl_s
        )
        variants = {variant.sku: variant for variant in items}
        self._local.put(wanted, (time.monotonic() + LOCAL_PRICES_S, variants))
        return variants

    async def _load(self, wanted: str) -> list[Variant]:
        answer = await self._client.request(
            "catalog",
            "GET",
            "/internal/variants",
            params={"skus": wanted},
            response_type=_Variants,
            timeout_s=self._config.prices_timeout_s,
        )
        return answer.items
