"""The catalog, as a rebuild and a degraded search ask it."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from shared.availability import Availability
from shared.money import Money, MoneyWire
from shared.service_client import ServiceClient
from svc.search.domain import Document, ProductBody, VariantBody, Wish

CALL_TIMEOUT_S = 2.0
REBUILD_TIMEOUT_S = 5.0
LOOKUP_TIMEOUT_S = 1.5


class _Variant(msgspec.Struct, frozen=True):
    sku: str
    options: dict[str, str]
    price: MoneyWire
    availability: Availability | None = None


class _Product(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    title: str
    description: str
    category: str
    status: str
    version: int
    variants: list[_Variant]
    attributes: dict[str, str] = {}
    seller_id: str | None = None


class _Page(msgspec.Struct, frozen=True):
    items: list[_Product]
    next_cursor: str | None


class _Category(msgspec.Struct, frozen=True):
    products: int


class _Categories(msgspec.Struct, frozen=True):
    items: list[_Category]


class _Viewed(msgspec.Struct, frozen=True):
    product_id: UUID
    views: int


class _MostViewed(msgspec.Struct, frozen=True):
    items: list[_Viewed]


class CatalogPage(msgspec.Struct, frozen=True):
    """Some products, what the catalog says is left of their SKUs, and where the next page begins."""

    documents: list[Document]
    next_cursor: str | None
    availability: dict[str, Availability] = {}


class Catalog(Protocol):
    """What search needs of the catalog."""

    async def page(self, cursor: str | None, *, limit: int) -> CatalogPage:
        """The active products, all of them page by page."""
        ...

    async def look_up(self, wish: Wish, cursor: str | None, *, limit: int) -> CatalogPage:
        """Products by words and category, without ranking, facets or tolerance for typos."""
        ...

    async def size(self) -> int:
        """How many products customers see, about."""
        ...

    async def most_viewed(self) -> dict[UUID, int]:
        """The products looked at most, and how often."""
        ...


class CatalogClient:
    """The catalog over HTTP. Raises what `ServiceClient.request` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def page(self, cursor: str | None, *, limit: int) -> CatalogPage:
        return await self._read({"limit": limit, "cursor": cursor}, timeout_s=REBUILD_TIMEOUT_S)

    async def look_up(self, wish: Wish, cursor: str | None, *, limit: int) -> CatalogPage:
        parameters = {"q": wish.text or None, "category": wish.category, "limit": limit, "cursor": cursor}
        return await self._read(parameters, timeout_s=LOOKUP_TIMEOUT_S)

    async def size(self) -> int:
        tree = await self._client.request(
            "catalog", "GET", "/api/v1/categories", response_type=_Categories, timeout_s=CALL_TIMEOUT_S
        )
        return sum(category.products for category in tree.items)

    async def most_viewed(self) -> dict[UUID, int]:
        most = await self._client.request(
            "catalog", "GET", "/internal/products/most-viewed", response_type=_MostViewed, timeout_s=CALL_TIMEOUT_S
        )
        return {viewed.product_id: viewed.views for viewed in most.items}

    async def _read(self, parameters: Mapping[str, object], *, timeout_s: float) -> CatalogPage:
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        page = await self._client.request(
            "catalog", "GET", f"/api/v1/products?{query}", response_type=_Page, timeout_s=timeout_s
        )
        seen = {
            variant.sku: variant.availability
            for product in page.items
            for variant in product.variants
            if variant.availability is not None
        }
        return CatalogPage([_document(product) for product in page.items], page.next_cursor, seen)


def _document(product: _Product) -> Document:
    return Document(
        product_id=product.id,
        version=product.version,
        body=ProductBody(
            product_id=product.id,
            slug=product.slug,
            title=product.title,
            description=product.description,
            category=product.category,
            status=product.status,
            variants=tuple(_variant(variant) for variant in product.variants),
            attributes=product.attributes,
            seller_id=product.seller_id,
        ),
    )


def _variant(variant: _Variant) -> VariantBody:
    price = Money.from_wire(variant.price)
    return VariantBody(
        sku=variant.sku, options=variant.options, price_minor=price.amount_minor, currency=price.currency
    )
