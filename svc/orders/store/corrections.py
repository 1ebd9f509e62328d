"""The table of corrected prices: one row for an order, which a trigger keeps as it was written."""

from uuid import UUID

import asyncpg

from shared.unit_of_work import Connection
from svc.orders.domain.correction import Correction, Figures

_FIND = """
    SELECT order_id, currency, discount_minor, tax_minor, shipping_minor, total_minor, charged_minor, discounts, taxes,
        reason, actor, corrected_at, unit_prices, rate_nano
    FROM price_corrections WHERE order_id = $1
"""
_INSERT = """
    INSERT INTO price_corrections (order_id, currency, discount_minor, tax_minor, shipping_minor, total_minor,
        charged_minor, discounts, taxes, reason, actor, unit_prices, rate_nano)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    RETURNING order_id, currency, discount_minor, tax_minor, shipping_minor, total_minor, charged_minor, discounts,
        taxes, reason, actor, corrected_at, unit_prices, rate_nano
"""


async def find(connection: Connection, order_id: UUID) -> Correction | None:
    row = await connection.fetchrow(_FIND, order_id)
    return _correction(row) if row is not None else None


async def insert(
    connection: Connection,
    order_id: UUID,
    right: Figures,
    *,
    currency: str,
    charged_minor: int,
    reason: str,
    actor: str,
    rate_nano: int | None,
) -> Correction:
    """Write the order's one correction; the order is locked, and has none yet."""
    row = await connection.fetchrow(
        _INSERT,
        order_id,
        currency,
        right.discount_minor,
        right.tax_minor,
        right.shipping_minor,
        right.total_minor,
        charged_minor,
        list(right.discounts),
        list(right.taxes),
        reason,
        actor,
        None if right.unit_prices is None else list(right.unit_prices),
        rate_nano,
    )
    assert row is not None, "an insert gives its row"
    return _correction(row)


def _correction(row: asyncpg.Record) -> Correction:
    return Correction(
        order_id=row["order_id"],
        currency=row["currency"],
        right=Figures(
            discount_minor=row["discount_minor"],
            tax_minor=row["tax_minor"],
            shipping_minor=row["shipping_minor"],
            total_minor=row["total_minor"],
            discounts=tuple(row["discounts"]),
            taxes=tuple(row["taxes"]),
            unit_prices=None if row["unit_prices"] is None else tuple(row["unit_prices"]),
        ),
        charged_minor=row["charged_minor"],
        reason=row["reason"],
        actor=row["actor"],
        corrected_at=row["corrected_at"],
        rate_nano=row["rate_nano"],
    )
