"""The tables of promotions. Their terms never change; only their end may come sooner."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.unit_of_work import Connection
from svc.orders.pricing import Promotion, PromotionKind

_COLUMNS = (
    "code, kind, priority, exclusive, skus, rate_bp, amount_minor, currency, buy_units, free_units, minimum_minor, "
    "valid_from, valid_until"
)
_PUT = f"""
    INSERT INTO promotions ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (code) DO NOTHING RETURNING true
"""  # noqa: S608 constants
_PAGE = f"SELECT {_COLUMNS} FROM promotions WHERE code > $1 ORDER BY code LIMIT $2"  # noqa: S608 constants
_COMING = f"""
    SELECT {_COLUMNS} FROM promotions WHERE valid_until IS NULL OR valid_until > $1 ORDER BY priority, code LIMIT $2
"""  # noqa: S608 constants
_END = f"""
    UPDATE promotions SET valid_until = greatest($2, valid_from)
    WHERE code = $1 AND (valid_until IS NULL OR valid_until > $2) RETURNING {_COLUMNS}
"""  # noqa: S608 constants
_OF_ORDER = f"SELECT {_COLUMNS} FROM promotions JOIN order_promotions USING (code) WHERE order_id = $1 ORDER BY code"  # noqa: S608 constants
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('orders.promotions'))"


async def lock_all(connection: Connection) -> None:
    """Nobody else makes a promotion until the transaction ends, so that they can be counted."""
    await connection.execute(_LOCK)


async def put(connection: Connection, promotion: Promotion) -> bool:
    """Make a promotion; False when the code exists."""
    made = await connection.fetchval(
        _PUT,
        promotion.code,
        promotion.kind.value,
        promotion.priority,
        promotion.exclusive,
        list(promotion.skus),
        promotion.rate_bp,
        promotion.amount_minor,
        promotion.currency,
        promotion.buy_units,
        promotion.free_units,
        promotion.minimum_minor,
        promotion.valid_from,
        promotion.valid_until,
    )
    return bool(made)


async def find(connection: Connection, code: str) -> Promotion | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM promotions WHERE code = $1", code)  # noqa: S608 constants
    return _promotion(row) if row is not None else None


async def page(connection: Connection, *, after: str, rows_max: int) -> list[Promotion]:
    """Promotions after the given place in the list, by code."""
    return [_promotion(row) for row in await connection.fetch(_PAGE, after, rows_max)]


async def coming(connection: Connection, now: datetime, *, rows_max: int) -> list[Promotion]:
    """Those that are in force or will be."""
    return [_promotion(row) for row in await connection.fetch(_COMING, now, rows_max)]


async def end(connection: Connection, code: str, now: datetime) -> Promotion | None:
    """Let a promotion end now; None when it has ended or never was."""
    row = await connection.fetchrow(_END, code, now)
    return _promotion(row) if row is not None else None


async def keep(connection: Connection, order_id: UUID, codes: Sequence[str]) -> None:
    """Write down which promotions an order got."""
    await connection.execute(
        "INSERT INTO order_promotions (order_id, code) SELECT $1, unnest($2::text[])", order_id, list(codes)
    )


async def of_order(connection: Connection, order_id: UUID) -> list[Promotion]:
    """Those that took something off the order, with their terms."""
    return [_promotion(row) for row in await connection.fetch(_OF_ORDER, order_id)]


def _promotion(row: asyncpg.Record) -> Promotion:
    return Promotion(
        code=row["code"],
        kind=PromotionKind(row["kind"]),
        priority=row["priority"],
        exclusive=row["exclusive"],
        skus=tuple(row["skus"]),
        rate_bp=row["rate_bp"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        buy_units=row["buy_units"],
        free_units=row["free_units"],
        minimum_minor=row["minimum_minor"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
    )
