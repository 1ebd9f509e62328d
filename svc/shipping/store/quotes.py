"""Quotes, and the forms of postal codes they are checked by."""

from uuid import UUID

import asyncpg

from shared.unit_of_work import Connection
from svc.shipping.domain.addresses import PostalForm
from svc.shipping.domain.quotes import Quote

_COLUMNS = """
    id, customer_id, country, postal_code, method, carrier, currency, amount_minor, parcels, deliver_by, expires_at,
    used_by
"""
_INSERT = f"""
    INSERT INTO quotes
        (id, customer_id, country, postal_code, method, carrier, currency, amount_minor, parcels, deliver_by,
         expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp() + make_interval(secs => $11))
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants
_USE = f"""
    UPDATE quotes SET used_by = $2, used_at = clock_timestamp()
    WHERE id = $1 AND used_by IS NULL AND expires_at > clock_timestamp()
    RETURNING {_COLUMNS}
"""  # noqa: S608 constants


async def postal_form(connection: Connection, country: str) -> PostalForm | None:
    """How the country writes its postal codes, None where nobody has told."""
    row = await connection.fetchrow(
        "SELECT country, pattern, template, example FROM postal_forms WHERE country = $1", country
    )
    return None if row is None else PostalForm(**dict(row))


async def insert(connection: Connection, quote: Quote, *, lifetime_s: float) -> Quote:
    """Store a quote that is good for so long from now on."""
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
        lifetime_s,
    )
    assert row is not None
    return _quote(row)


async def use(connection: Connection, quote_id: UUID, order_id: UUID) -> Quote | None:
    """Let an unused quote whose time is not over serve the order; None for any other."""
    row = await connection.fetchrow(_USE, quote_id, order_id)
    return None if row is None else _quote(row)


async def of_id(connection: Connection, quote_id: UUID) -> Quote | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM quotes WHERE id = $1", quote_id)  # noqa: S608 constants
    return None if row is None else _quote(row)


def _quote(row: asyncpg.Record) -> Quote:
    return Quote(**dict(row))
