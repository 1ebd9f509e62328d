"""The tables of coupons. Uses are taken and given back by conditional updates; a constraint stands beneath."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from svc.orders.pricing import Coupon, CouponKind

_FIND = """
    SELECT code, kind, rate_bp, amount_minor, currency, minimum_minor, valid_from, valid_until, uses_max,
        uses_per_customer_max
    FROM coupons WHERE code = $1
"""
_TAKE = """
    UPDATE coupons SET uses = uses + 1 WHERE code = $1 AND (uses_max IS NULL OR uses < uses_max)
    RETURNING uses_per_customer_max
"""
_TAKE_FOR_CUSTOMER = """
    INSERT INTO coupon_customers AS known (code, customer_id, uses) VALUES ($1, $2, 1)
    ON CONFLICT (code, customer_id) DO UPDATE SET uses = known.uses + 1 WHERE known.uses < $3
    RETURNING uses
"""
_GIVE_BACK = """
    WITH returned AS (
        UPDATE coupon_redemptions SET returned_at = clock_timestamp() WHERE order_id = $1 AND returned_at IS NULL
        RETURNING code, customer_id
    ), customers AS (
        UPDATE coupon_customers AS known SET uses = known.uses - 1 FROM returned
        WHERE known.code = returned.code AND known.customer_id = returned.customer_id
    )
    UPDATE coupons SET uses = uses - 1 FROM returned WHERE coupons.code = returned.code
"""
_PUT = """
    INSERT INTO coupons (code, kind, rate_bp, amount_minor, currency, minimum_minor, valid_from, valid_until, uses_max,
        uses_per_customer_max)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (code) DO NOTHING
    RETURNING 1
"""


class CouponTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon as staff makes it."""

    coupon: Coupon
    uses_max: int | None = None
    uses_per_customer_max: int | None = None


class CouponUse(msgspec.Struct, frozen=True, kw_only=True):
    terms: CouponTerms
    uses: int
    created_at: datetime


async def find(connection: Connection, code: str) -> Coupon | None:
    terms = await find_terms(connection, code)
    return terms.coupon if terms is not None else None


async def find_terms(connection: Connection, code: str) -> CouponTerms | None:
    """The coupon with its limits."""
    row = await connection.fetchrow(_FIND, code)
    return _terms(row) if row is not None else None


async def find_use(connection: Connection, code: str) -> CouponUse | None:
    """The coupon with its limits and how often it was used."""
    row = await connection.fetchrow("SELECT * FROM coupons WHERE code = $1", code)
    if row is None:
        return None
    return CouponUse(terms=_terms(row), uses=row["uses"], created_at=row["created_at"])


async def put(connection: Connection, terms: CouponTerms) -> bool:
    """Make a coupon; False when the code exists."""
    coupon = terms.coupon
    made = await connection.fetchval(
        _PUT,
        coupon.code,
        coupon.kind.value,
        coupon.rate_bp,
        coupon.amount_minor,
        coupon.currency,
        coupon.minimum_minor,
        coupon.valid_from,
        coupon.valid_until,
        terms.uses_max,
        terms.uses_per_customer_max,
    )
    return bool(made)


async def take(connection: Connection, code: str, *, order_id: UUID, customer_id: UUID, discount_minor: int) -> bool:
    """Use the coupon for an order, at most up to its limits; False when they are reached.

    The row lock on the coupon serialises its users, so no limit is passed by racing. The caller undoes the
    transaction on False.
    """
    taken = await connection.fetchrow(_TAKE, code)
    if taken is None:
        return False
    limit = taken["uses_per_customer_max"]
    if not await connection.fetchval(_TAKE_FOR_CUSTOMER, code, customer_id, limit or 2**31 - 1):
        return False
    await connection.execute(
        "INSERT INTO coupon_redemptions (order_id, code, customer_id, discount_minor) VALUES ($1, $2, $3, $4)",
        order_id,
        code,
        customer_id,
        discount_minor,
    )
    return True


async def give_back(connection: Connection, order_id: UUID) -> None:
    """Return the use of a cancelled order's coupon, once."""
    await connection.execute(_GIVE_BACK, order_id)


def _terms(row: asyncpg.Record) -> CouponTerms:
    return CouponTerms(
        coupon=_coupon(row), uses_max=row["uses_max"], uses_per_customer_max=row["uses_per_customer_max"]
    )


def _coupon(row: asyncpg.Record) -> Coupon:
    return Coupon(
        code=row["code"],
        kind=CouponKind(row["kind"]),
        rate_bp=row["rate_bp"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        minimum_minor=row["minimum_minor"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
    )
