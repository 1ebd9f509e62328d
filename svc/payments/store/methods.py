"""Payment methods that customers keep. Every statement runs inside the caller's transaction."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection

METHODS_MAX = 10
"""Places of a customer; the table's constraints hold it."""

_COLUMNS = "id, customer_id, token, brand, last4, created_at"
_METHODS = f"""
    SELECT m.*, m.id = coalesce(d.method_id, first_value(m.id) OVER (ORDER BY m.id)) AS is_default
    FROM (SELECT {_COLUMNS} FROM payment_methods WHERE customer_id = $1) AS m
    LEFT JOIN default_payment_methods d USING (customer_id)
"""  # noqa: S608 the columns are constants
_ADD = f"""
    INSERT INTO payment_methods (id, customer_id, slot, token, brand, last4)
    SELECT $1, $2, min(place), $3, $4, $5 FROM generate_series(1, {METHODS_MAX}) AS place
    WHERE NOT EXISTS (SELECT FROM payment_methods WHERE customer_id = $2 AND slot = place)
    HAVING min(place) IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING true
"""  # noqa: S608 constants
_CHOOSE = """
    INSERT INTO default_payment_methods (customer_id, method_id)
    SELECT customer_id, id FROM payment_methods WHERE customer_id = $1 AND id = $2
    ON CONFLICT (customer_id) DO UPDATE SET method_id = excluded.method_id
    RETURNING true
"""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A tokenised payment method of one customer; `is_default` is the chosen one, else the oldest."""

    id: UUID
    customer_id: UUID
    token: str
    brand: str
    last4: str
    created_at: datetime
    is_default: bool


async def add(
    connection: Connection, method_id: UUID, *, customer_id: UUID, token: str, brand: str, last4: str
) -> bool:
    """Keep a method in a free place; False when there was none, the token is kept, or another took the place."""
    return await connection.fetchval(_ADD, method_id, customer_id, token, brand, last4) is not None


async def page(connection: Connection, customer_id: UUID, *, after: UUID | None, rows_max: int) -> list[Method]:
    """A customer's methods, oldest first."""
    rows = await connection.fetch(
        f"SELECT * FROM ({_METHODS}) AS kept WHERE $2::uuid IS NULL OR id > $2 ORDER BY id LIMIT $3",  # noqa: S608 constants
        customer_id,
        after,
        rows_max,
    )
    return [_method(row) for row in rows]


async def of_token(connection: Connection, customer_id: UUID, token: str) -> Method | None:
    row = await connection.fetchrow(f"SELECT * FROM ({_METHODS}) AS kept WHERE token = $2", customer_id, token)  # noqa: S608 constants
    return None if row is None else _method(row)


async def token_of(connection: Connection, customer_id: UUID, method_id: UUID | None) -> str | None:
    """The token of one of the customer's methods, of the default without an id."""
    return await connection.fetchval(
        f"SELECT token FROM ({_METHODS}) AS kept WHERE CASE WHEN $2::uuid IS NULL THEN is_default ELSE id = $2 END",  # noqa: S608 constants
        customer_id,
        method_id,
    )


async def choose(connection: Connection, customer_id: UUID, method_id: UUID) -> bool:
    """Make it the customer's default; False when the customer has no such method."""
    return await connection.fetchval(_CHOOSE, customer_id, method_id) is not None


async def delete(connection: Connection, customer_id: UUID, method_id: UUID) -> bool:
    """Forget it, and that it was chosen; False when the customer has no such method."""
    deleted = await connection.fetchval(
        "DELETE FROM payment_methods WHERE customer_id = $1 AND id = $2 RETURNING true", customer_id, method_id
    )
    return deleted is not None


def _method(row: asyncpg.Record) -> Method:
    return Method(**dict(row))
