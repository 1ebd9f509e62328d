"""Quotes, and the forms of postal codes they are checked by."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from svc.shipping.domain.addresses import PostalForm
from svc.shipping.domain.quotes import Goods, Quote
from svc.shipping.domain.rates import Load

_COLUMNS = """
    id, customer_id, country, postal_code, method, carrier, currency, amount_minor, parcels, deliver_by, expires_at,
    goods, used_by
"""
_INSERT = f"""
    INSERT INTO quotes
        (id, customer_id, country, postal_code, method, carrier, currency, amount_minor, parcels, deliver_by, goods,
         loads, subtotal_minor, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, clock_timestamp() + make_interval(secs => $14))
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants
_USE = """
    UPDATE quotes SET used_by = $2, used_at = clock_timestamp()
    WHERE id = $1 AND used_by IS NULL AND customer_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM quotes WHERE used_by = $2)
"""


async def postal_form(connection: Connection, country: str) -> PostalForm | None:
    """How the country writes its postal codes, None where nobody has told."""
    row = await connection.fetchrow(
        "SELECT country, pattern, template, example FROM postal_forms WHERE country = $1", country
    )
    return None if row is None else PostalForm(**dict(row))


async def insert(
    connection: Connection, quote: Quote, *, loads: Sequence[Load], subtotal_minor: int | None, lifetime_s: float
) -> Quote:
    """Store a quote for these boxes and goods of that worth, good for so long from now on."""
    row = await connection.fetchrow(
        _INSERT,
        quote.id,
        quote.customer_id,
        quote.country,
        quote.postal_code,
        quote.method,
        quote.carrier,
        quote.currency,
        quote.amount_minor,
        quote.parcels,
        quote.deliver_by,
        msgspec.to_builtins(quote.goods),
        msgspec.to_builtins(loads),
        subtotal_minor,
        lifetime_s,
    )
    assert row is not None
    return _quote(row)


async def use(connection: Connection, quote_id: UUID, order_id: UUID) -> None:
    """Remember which order a customer's quote served; the first word stays, and an order has one quote."""
    await connection.execute(_USE, quote_id, order_id)


async def of_id(connection: Connection, quote_id: UUID) -> Quote | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM quotes WHERE id = $1", quote_id)  # noqa: S608 constants
    return None if row is None else _quote(row)


async def standing(connection: Connection, quote_id: UUID) -> tuple[Quote, bool] | None:
    """A quote, and whether its time is not over."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS}, expires_at > clock_timestamp() AS stands FROM quotes WHERE id = $1",  # noqa: S608 constants
        quote_id,
    )
    return None if row is None else (_quote(row), row["stands"])


def _quote(row: asyncpg.Record) -> Quote:
    values: dict[str, Any] = {name: value for name, value in row.items() if name != "stands"}
    values["goods"] = msgspec.convert(row["goods"], tuple[Goods, ...])
    return Quote(**values)
