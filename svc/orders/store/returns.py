"""Goods that came back, by the parcel that brought them. The caller holds the order's lock."""

from collections.abc import Mapping
from uuid import UUID

from shared.unit_of_work import Connection

_SO_FAR = """
    SELECT sku, returned,
        (SELECT coalesce(sum(amount_minor), 0)::bigint FROM order_returns WHERE order_id = $1) AS given
    FROM order_lines WHERE order_id = $1
"""
_KEEP = """
    WITH kept AS (
        INSERT INTO order_returns (return_id, order_id, amount_minor) VALUES ($1, $2, $3)
        ON CONFLICT (return_id) DO NOTHING RETURNING order_id
    ), counted AS (
        UPDATE order_lines AS line SET returned = line.returned + came.units
        FROM kept, unnest($4::text[], $5::integer[]) AS came (sku, units)
        WHERE line.order_id = kept.order_id AND line.sku = came.sku
    )
    SELECT true FROM kept
"""


async def so_far(connection: Connection, order_id: UUID) -> tuple[dict[str, int], int]:
    """Units that came back by SKU, and what was owed for them."""
    rows = await connection.fetch(_SO_FAR, order_id)
    return {row["sku"]: row["returned"] for row in rows}, rows[0]["given"] if rows else 0


async def keep(
    connection: Connection, return_id: UUID, order_id: UUID, *, units: Mapping[str, int], amount_minor: int
) -> bool:
    """Count what a parcel brought; False, and nothing is counted, when it was counted before."""
    return bool(await connection.fetchval(_KEEP, return_id, order_id, amount_minor, list(units), list(units.values())))
