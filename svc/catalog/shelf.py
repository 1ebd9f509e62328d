"""The shelf: product pages and the category tree as customers read them, from the cache while it is fresh.

Never the truth: editing and pricing read the database. What is put back on the shelf after a change is loaded anew.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.cache import INVALIDATE_KEYS_MAX, Cache
from shared.database import Database
from shared.validated import SLUG_PATTERN
from svc.catalog import store
from svc.catalog.domain import Product, UnknownProduct
from svc.catalog.store import moving
from svc.catalog.store.moving import Named

CATEGORIES_KEY = "categories"
CATEGORIES_TTL_S = 30.0
_SLUG = re.compile(SLUG_PATTERN)


class Shelf:
    """Reads through the cache: one load at a time over all processes, a stale page rather than none."""

    def __init__(self, database: Database, cache: Cache, *, ttl_s: float, stale_s: float) -> None:
        self._database = database
        self._cache = cache
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._forgetting: set[asyncio.Task[None]] = set()

    async def product(self, reference: str) -> Product:
        """The product with this id or slug, visible or not. Raises `UnknownProduct`."""
        if _as_id(reference) is None and not _SLUG.fullmatch(reference):
            raise UnknownProduct("there is no such product")
        return await self._cache.get_or_load(
            _key(reference),
            lambda: self._load(reference),
            value_type=Product,
            ttl_s=self._ttl_s,
            stale_s=self._stale_s,
        )

    async def products(self, wanted: store.ProductFilter, *, rows_max: int) -> list[Product]:
        """One page as the database has it now; lists are not cached."""
        async with self._database.acquire() as connection:
            return await store.list_products(connection, wanted, rows_max=rows_max)

    async def related(self, product: Product) -> list[Product]:
        """The related products that customers see, as the database has them now."""
        async with self._database.acquire() as connection:
            return await store.related_products(connection, product)

    async def categories(self) -> list[store.Category]:
        """The tree in the order of its paths; counts may be CATEGORIES_TTL_S old."""
        return await self._cache.get_or_load(
            CATEGORIES_KEY,
            self._load_categories,
            value_type=list[store.Category],
            ttl_s=CATEGORIES_TTL_S,
            stale_s=self._stale_s,
        )

    async def forget_by_id(self, product_id: UUID) -> None:
        """The same for a product that is known by its id alone, as events know it."""
        async with self._database.acquire() as connection:
            known = await moving.named(connection, product_id)
        if known is not None:
            await self.forget([known])

    def forget_soon(self, products: Sequence[Product | Named]) -> None:
        """The same without waiting for it; where it fails, the pages' life is what bounds their age."""
        task = asyncio.create_task(self.forget(products), name="forget_pages")
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def forget(self, products: Iterable[Product | Named]) -> None:
        """Called after the commit of a change: the next reader loads these products anew."""
        keys = [_key(reference) for product in products for reference in (str(product.id), product.slug)]
        for start in range(0, len(keys), INVALIDATE_KEYS_MAX):
            await self._cache.invalidate(*keys[start : start + INVALIDATE_KEYS_MAX])

    async def forget_categories(self) -> None:
        """The same for the tree."""
        await self._cache.invalidate(CATEGORIES_KEY)

    async def _load(self, reference: str) -> Product:
        product_id = _as_id(reference)
        async with self._database.acquire() as connection:
            if product_id is not None:
                product = await store.product_by_id(connection, product_id)
            else:
                product = await store.product_by_slug(connection, reference)
        if product is None:
            raise UnknownProduct("there is no such product")
        return product

    async def _load_categories(self) -> list[store.Category]:
        async with self._database.acquire() as connection:
            return await store.categories(connection)


def _key(reference: str) -> str:
    product_id = _as_id(reference)
    return f"product:{product_id or reference}"


def _as_id(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
