"""The tables of carts. Every change first locks the cart's row, so that one cart changes step by step."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.orders.domain.cart import CartLine

_TOUCH = """
    INSERT INTO carts (customer_id, guest) VALUES ($1, $2)
    ON CONFLICT (customer_id) DO UPDATE SET version = carts.version + 1, updated_at = clock_timestamp()
    RETURNING version
"""
_PUT_LINES = """
    INSERT INTO cart_lines AS known (customer_id, sku, quantity, title, shown_price_minor, currency)
    SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[])
    ON CONFLICT (customer_id, sku) DO UPDATE SET quantity = excluded.quantity, title = excluded.title,
        shown_price_minor = excluded.shown_price_minor, currency = excluded.currency
"""
_LINES = """
    SELECT c.version, l.sku, l.quantity, l.title, l.shown_price_minor, l.currency
    FROM carts AS c LEFT JOIN cart_lines AS l ON l.customer_id = c.customer_id
    WHERE c.customer_id = $1 ORDER BY l.added_at, l.sku
"""
_BUY = """
    WITH bought AS (
        UPDATE carts SET version = version + 1, updated_at = clock_timestamp()
        WHERE customer_id = $1 AND version = $2
        RETURNING customer_id
    ), emptied AS (
        DELETE FROM cart_lines USING bought WHERE cart_lines.customer_id = bought.customer_id
    )
    SELECT 1 FROM bought
"""


_SHOW_PRICES = """
    UPDATE cart_lines AS line SET title = new.title, shown_price_minor = new.price, currency = new.currency
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS new (sku, title, price, currency)
    WHERE line.customer_id = $1 AND line.sku = new.sku
"""


class StoredCart(msgspec.Struct, frozen=True):
    """A cart at a version; version 0 is a cart nobody ever put anything into."""

    version: int
    lines: tuple[CartLine, ...]


async def load(connection: Connection, customer_id: UUID) -> StoredCart:
    """The customer's cart; one statement."""
    rows = await connection.fetch(_LINES, customer_id)
    lines = tuple(
        CartLine(row["sku"], row["quantity"], row["title"], row["shown_price_minor"], row["currency"])
        for row in rows
        if row["sku"] is not None
    )
    return StoredCart(rows[0]["version"] if rows else 0, lines)


async def touch(connection: Connection, customer_id: UUID, *, guest: bool = False) -> int:
    """Lock the cart, making it if needed, and count its version up; gives the new version."""
    return await connection.fetchval(_TOUCH, customer_id, guest)


async def put_lines(connection: Connection, customer_id: UUID, lines: Sequence[CartLine]) -> None:
    """Write lines over those of the same SKUs; the cart is locked by `touch`."""
    await connection.execute(
        _PUT_LINES,
        customer_id,
        [line.sku for line in lines],
        [line.quantity for line in lines],
        [line.title for line in lines],
        [line.shown_price_minor for line in lines],
        [line.currency for line in lines],
    )


async def show_prices(connection: Connection, customer_id: UUID, lines: Sequence[CartLine]) -> None:
    """Keep what the customer is shown now; lines that are gone stay gone."""
    await connection.execute(
        _SHOW_PRICES,
        customer_id,
        [line.sku for line in lines],
        [line.title for line in lines],
        [line.shown_price_minor for line in lines],
        [line.currency for line in lines],
    )


async def remove_line(connection: Connection, customer_id: UUID, sku: str) -> bool:
    """Take a line out; False when there was none."""
    found = await connection.fetchval(
        "DELETE FROM cart_lines WHERE customer_id = $1 AND sku = $2 RETURNING 1", customer_id, sku
    )
    return bool(found)


async def clear(connection: Connection, customer_id: UUID) -> None:
    await connection.execute("DELETE FROM cart_lines WHERE customer_id = $1", customer_id)


async def buy(connection: Connection, customer_id: UUID, *, version: int) -> bool:
    """Empty the cart if it is still the one that was priced; False when it was changed or bought meanwhile."""
    return bool(await connection.fetchval(_BUY, customer_id, version))
