"""Views of product pages. Every statement runs inside the caller's transaction."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection

_ADD = """
    WITH batch AS (
        INSERT INTO view_batches (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO product_views AS v (product_id, views)
    SELECT counted.product_id, counted.views
    FROM batch, unnest($2::uuid[], $3::bigint[]) AS counted (product_id, views) JOIN products ON id = counted.product_id
    ORDER BY counted.product_id
    ON CONFLICT (product_id) DO UPDATE SET views = v.views + excluded.views
"""
_MOST = """
    SELECT v.product_id, v.views FROM product_views AS v JOIN products AS p ON p.id = v.product_id AND p.visible
    ORDER BY v.views DESC, v.product_id LIMIT $1
"""


class Viewed(msgspec.Struct, frozen=True):
    """How often the page of a product was looked at, up to the last flush."""

    product_id: UUID
    views: int


async def add(connection: Connection, batch: UUID, counted: Mapping[UUID, int]) -> None:
    """Add the views of a batch, once however often it is added; one statement."""
    await connection.execute(_ADD, batch, list(counted), list(counted.values()))


async def of(connection: Connection, product_id: UUID) -> int:
    """How often the product's page was looked at, up to the last flush."""
    return await connection.fetchval("SELECT views FROM product_views WHERE product_id = $1", product_id) or 0


async def most_viewed(connection: Connection, *, rows_max: int) -> list[Viewed]:
    """Visible products, the most looked at first."""
    return [Viewed(**row) for row in await connection.fetch(_MOST, rows_max)]
