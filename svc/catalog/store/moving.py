"""Category moves, and products counted anew because something around them changed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.catalog.domain import Product
from svc.catalog.store.bulk import IMPORT_LOCK
from svc.catalog.store.reads import ProductFilter, list_products

_MOVE = """
    WITH below AS (
        UPDATE categories
        SET path = $2 || substr(path, length($1) + 1),
            parent_path = CASE WHEN path = $1 THEN $3 ELSE $2 || substr(parent_path, length($1) + 1) END
        WHERE path = $1 OR starts_with(path, $1 || '/')
        RETURNING 1
    ), moved AS (
        UPDATE products SET moved = true
        WHERE (category = $1 OR category LIKE $1 || '/%') AND deleted_at IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM below) AS categories, (SELECT count(*) FROM moved) AS products
"""
"""One statement: readers see the tree before or after it. The products' paths follow by their foreign key."""
_COUNT = """
    UPDATE products AS p SET version = p.version + step, updated_at = clock_timestamp()
    FROM unnest($1::uuid[], $2::bigint[]) AS counted (id, step) WHERE p.id = counted.id
    RETURNING p.id, p.version
"""
_TAKE_MOVED = """
    UPDATE products SET moved = false, version = version + 1, updated_at = clock_timestamp()
    WHERE id IN (SELECT id FROM products WHERE moved ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


class Named(msgspec.Struct, frozen=True):
    """A product by the two names its pages have."""

    id: UUID
    slug: str


async def move_category(connection: Connection, path: str, to: str, parent: str | None) -> tuple[int, int]:
    """Give the category and all below it new paths; gives the numbers of categories and products.

    Moves and imports run one after another. Raises what the constraints of the tree raise.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", IMPORT_LOCK)
    row = await connection.fetchrow(_MOVE, path, to, parent)
    assert row is not None, "counts are always there"
    return row["categories"], row["products"]


async def take_moved(connection: Connection, *, rows_max: int) -> list[Product]:
    """Some moved products of which nobody was told yet, counted as told."""
    ids = [row["id"] for row in await connection.fetch(_TAKE_MOVED, rows_max)]
    return await products_to_tell(connection, ids)


async def lock_products(connection: Connection, ids: Sequence[UUID]) -> None:
    """Keep everybody else from changing these products until the transaction ends."""
    await connection.execute("SELECT FROM products WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", list(ids))


async def products_to_tell(connection: Connection, ids: Sequence[UUID]) -> list[Product]:
    """Those of them that are not deleted, whether customers see them or not."""
    if not ids:
        return []
    return await list_products(connection, ProductFilter(ids=tuple(ids), visible_only=False), rows_max=len(ids))


async def count_changes(connection: Connection, steps: Mapping[UUID, int]) -> dict[UUID, int]:
    """Count so many published changes of each product; gives the new versions."""
    rows = await connection.fetch(_COUNT, list(steps), list(steps.values()))
    return {row["id"]: row["version"] for row in rows}


def renumbered(product: Product, version: int) -> Product:
    """The same product at another version."""
    return msgspec.structs.replace(product, version=version)


async def products_of(connection: Connection, skus: Sequence[str]) -> list[Named]:
    """Whose variants these are."""
    rows = await connection.fetch(
        "SELECT id, slug FROM products WHERE id IN (SELECT product_id FROM variants WHERE sku = ANY($1::text[]))",
        list(skus),
    )
    return [Named(**row) for row in rows]


async def named(connection: Connection, product_id: UUID) -> Named | None:
    """The product by both its names, deleted or not."""
    row = await connection.fetchrow("SELECT id, slug FROM products WHERE id = $1", product_id)
    return None if row is None else Named(**row)
