"""Who bought what lately, and how popular that makes a product. Statements run inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from shared.unit_of_work import Connection
from svc.search.store.documents import CHANGED

SALES_DAYS = 30
"""How long a sale counts."""
ORDER_IN_VIEWS = 10
"""An order weighs as much as so many looks at the page; units do not count, or one buyer could rank a product."""
STEPS_PER_E = 4
"""Of the logarithm: a step is a third more orders, so that few sales move a document in the index."""
RANKED_AT_ONCE_MAX = 500

_PAID = """
    INSERT INTO sales AS s (order_id, product_id, day, paid)
    SELECT $1, product_id, $3, true FROM unnest($2::uuid[]) AS product_id ORDER BY product_id
    ON CONFLICT (order_id, product_id) DO UPDATE SET paid = true, day = excluded.day
"""
_CANCELLED = """
    INSERT INTO sales AS s (order_id, product_id, day, cancelled)
    SELECT $1, product_id, $3, true FROM unnest($2::uuid[]) AS product_id ORDER BY product_id
    ON CONFLICT (order_id, product_id) DO UPDATE SET cancelled = true
"""
_RANK = f"""
    WITH sold AS (
        SELECT product_id, count(*) AS orders FROM sales
        WHERE paid AND NOT cancelled AND day > (clock_timestamp() AT TIME ZONE 'UTC')::date - {SALES_DAYS}
        GROUP BY product_id
    ), seen AS (
        SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS seen (product_id, views)
    ), ranked AS (
        SELECT d.product_id, coalesce(floor({STEPS_PER_E} * ln(
            1 + {ORDER_IN_VIEWS} * coalesce(sold.orders, 0) + coalesce(seen.views, 0))), 0)::int AS popularity
        FROM documents d LEFT JOIN sold USING (product_id) LEFT JOIN seen USING (product_id)
        WHERE NOT d.deleted AND (sold.orders IS NOT NULL OR seen.views IS NOT NULL OR d.popularity > 0)
    ), moved AS (
        SELECT d.product_id, ranked.popularity FROM documents d JOIN ranked USING (product_id)
        WHERE d.popularity <> ranked.popularity ORDER BY d.product_id LIMIT {RANKED_AT_ONCE_MAX} FOR UPDATE OF d
    )
    UPDATE documents d SET popularity = moved.popularity, {CHANGED}
    FROM moved WHERE d.product_id = moved.product_id AND d.popularity <> moved.popularity
    RETURNING 1
"""  # noqa: S608 constants


async def note_paid(connection: Connection, order_id: UUID, product_ids: Sequence[UUID], day: date) -> None:
    """The order of these products is paid, whatever else is told of it before or after."""
    await connection.execute(_PAID, order_id, sorted(set(product_ids)), day)


async def note_cancelled(connection: Connection, order_id: UUID, product_ids: Sequence[UUID], day: date) -> None:
    """The order is off; it was no sale, whether it is told as paid before or after."""
    await connection.execute(_CANCELLED, order_id, sorted(set(product_ids)), day)


async def rank(connection: Connection, views: Mapping[UUID, int]) -> int:
    """Have up to RANKED_AT_ONCE_MAX documents whose popularity moved indexed again; gives their number."""
    return len(await connection.fetch(_RANK, list(views), list(views.values())))
