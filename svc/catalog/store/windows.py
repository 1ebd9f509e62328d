"""Prices that hold for a while, and what anything costs at a moment; all inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg.exceptions import ExclusionViolationError

from shared.unit_of_work import Connection
from svc.catalog.domain import WINDOWS_PER_PRICE_MAX, Price, Product, Variant, WindowOverlaps

_FIELDS = "w.id, w.sku, w.currency, w.price_minor, lower(w.valid) AS valid_from, upper(w.valid) AS valid_until, w.state"
_ADD = f"""
    INSERT INTO price_windows AS w (id, sku, currency, price_minor, valid, created_by)
    SELECT $1::uuid, $2::text, $3::text, $4::bigint, tstzrange($5::timestamptz, $6::timestamptz), $7::text
    WHERE (
        SELECT count(*) FROM price_windows WHERE sku = $2::text AND currency = $3::text AND state <> 'ended'
    ) < $8::bigint
    RETURNING {_FIELDS}
"""  # noqa: S608 constants
_LIST = f"""
    SELECT {_FIELDS} FROM price_windows AS w JOIN variants AS v USING (sku)
    WHERE v.product_id = $1 AND ($2::uuid IS NULL OR w.id > $2) ORDER BY w.id LIMIT $3
"""  # noqa: S608 constants
_DROP = """
    DELETE FROM price_windows AS w USING variants AS v
    WHERE w.id = $2 AND v.sku = w.sku AND v.product_id = $1 AND lower(w.valid) > clock_timestamp() RETURNING true
"""
_END = """
    UPDATE price_windows AS w SET valid = tstzrange(lower(w.valid), clock_timestamp()) FROM variants AS v
    WHERE w.id = $2 AND v.sku = w.sku AND v.product_id = $1 AND w.valid @> clock_timestamp() RETURNING true
"""
_IN_FORCE = """
    SELECT sku, currency, price_minor FROM price_windows
    WHERE sku = ANY($1::text[]) AND valid @> statement_timestamp()
"""
_DUE = """
    SELECT product_id FROM (
        SELECT v.product_id FROM price_windows AS w JOIN variants AS v USING (sku)
        WHERE w.state = 'waiting' AND lower(w.valid) <= statement_timestamp()
        UNION
        SELECT v.product_id FROM price_windows AS w JOIN variants AS v USING (sku)
        WHERE w.state = 'begun' AND upper(w.valid) <= statement_timestamp()
    ) AS due ORDER BY product_id LIMIT $1
"""
_TURN = """
    UPDATE price_windows AS w
    SET state = CASE WHEN upper(w.valid) <= statement_timestamp() THEN 'ended' ELSE 'begun' END
    FROM variants AS v
    WHERE v.sku = w.sku AND v.product_id = ANY($1::uuid[])
        AND ((w.state = 'waiting' AND lower(w.valid) <= statement_timestamp())
            OR (w.state = 'begun' AND upper(w.valid) <= statement_timestamp()))
    RETURNING v.product_id, w.sku, w.currency
"""
_AT = """
    SELECT v.sku, priced.currency, coalesce(w.price_minor, base.price_minor) AS price_minor
    FROM variants AS v
    CROSS JOIN LATERAL (SELECT DISTINCT currency FROM price_history WHERE sku = v.sku) AS priced
    CROSS JOIN LATERAL (
        SELECT price_minor FROM price_history AS h
        WHERE h.sku = v.sku AND h.currency = priced.currency AND h.at <= $2 ORDER BY h.id DESC LIMIT 1
    ) AS base
    LEFT JOIN price_windows AS w ON w.sku = v.sku AND w.currency = priced.currency AND w.valid @> $2
    WHERE v.product_id = $1 AND base.price_minor IS NOT NULL
    ORDER BY v.position, v.sku, priced.currency
"""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A price that stands in for the usual one from `valid_from` until just before `valid_until`."""

    id: UUID
    sku: str
    currency: str
    price_minor: int
    valid_from: datetime
    valid_until: datetime
    state: str


class PriceAt(msgspec.Struct, frozen=True):
    """What a SKU costs in one currency at the moment that was asked for."""

    sku: str
    currency: str
    price_minor: int


async def add_window(connection: Connection, window: Window, *, created_by: str) -> Window | None:
    """Store a window; None where the SKU has too many to come. Raises `WindowOverlaps`."""
    try:
        row = await connection.fetchrow(
            _ADD,
            window.id,
            window.sku,
            window.currency,
            window.price_minor,
            window.valid_from,
            window.valid_until,
            created_by,
            WINDOWS_PER_PRICE_MAX,
        )
    except ExclusionViolationError as error:
        raise WindowOverlaps("another price holds for some of that time") from error
    return None if row is None else Window(**row)


async def windows_of(connection: Connection, product_id: UUID, *, after: UUID | None, rows_max: int) -> list[Window]:
    """The windows of a product, the oldest first; one statement."""
    return [Window(**row) for row in await connection.fetch(_LIST, product_id, after, rows_max)]


async def end_window(connection: Connection, product_id: UUID, window_id: UUID) -> bool:
    """Take out a window that has not begun, or end one now; False when there is no such one to come or in force."""
    dropped = await connection.fetchval(_DROP, product_id, window_id)
    return bool(dropped or await connection.fetchval(_END, product_id, window_id))


async def in_force(connection: Connection, skus: Sequence[str]) -> dict[tuple[str, str], int]:
    """The prices that stand in for others now, by SKU and currency; one statement."""
    rows = await connection.fetch(_IN_FORCE, list(skus))
    return {(row["sku"], row["currency"]): row["price_minor"] for row in rows}


async def products_due(connection: Connection, *, rows_max: int) -> list[UUID]:
    """Products with a window whose begin or end nobody was told of yet."""
    return [row["product_id"] for row in await connection.fetch(_DUE, rows_max)]


async def turn(connection: Connection, product_ids: Sequence[UUID]) -> dict[UUID, set[tuple[str, str]]]:
    """Note that the begins and ends up to now are told; gives the SKUs and currencies that they change."""
    turned: dict[UUID, set[tuple[str, str]]] = {}
    for row in await connection.fetch(_TURN, list(product_ids)):
        turned.setdefault(row["product_id"], set()).add((row["sku"], row["currency"]))
    return turned


async def prices_at(connection: Connection, product_id: UUID, at: datetime) -> list[PriceAt]:
    """What the product's variants cost at the moment; one statement."""
    return [PriceAt(**row) for row in await connection.fetch(_AT, product_id, at)]


def overlaid(product: Product, prices: dict[tuple[str, str], int]) -> Product:
    """The product with the prices that stand in for others."""
    if not prices:
        return product
    variants = tuple(
        msgspec.structs.replace(variant, prices=tuple(_overlaid(variant, price, prices) for price in variant.prices))
        for variant in product.variants
    )
    return msgspec.structs.replace(product, variants=variants)


def _overlaid(variant: Variant, price: Price, prices: dict[tuple[str, str], int]) -> Price:
    return Price(price.currency, prices.get((variant.sku, price.currency), price.amount_minor))
