"""Quotes: rates of the exchange, promised to customers. Every statement runs inside the caller's transaction."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.pruning import Rule
from shared.unit_of_work import Connection

UNUSED = Rule(
    "conversion_quotes",
    "expires_at < clock_timestamp() - interval '8 days' "
    "AND NOT EXISTS (SELECT FROM payments WHERE quote_id = conversion_quotes.id)",
)
"""Quotes that no payment was charged at; an order that could still need one has been cancelled long ago."""

_COLUMNS = "id, customer_id, from_currency, to_currency, rate_nano, exchange_rate_id, expires_at"
_QUOTE = f"""
    INSERT INTO conversion_quotes
        (id, customer_id, from_currency, to_currency, rate_nano, exchange_rate_id, quoted_at, expires_at)
    SELECT $1, $2, $3, $4, $5, $6, now.at, now.at + make_interval(secs => $7)
    FROM (SELECT clock_timestamp() AS at) AS now
    RETURNING {_COLUMNS}, false AS expired
"""  # noqa: S608 the columns are constants
_FIND = f"""
    SELECT {_COLUMNS}, expires_at <= clock_timestamp() AS expired FROM conversion_quotes
    WHERE id = $1 AND customer_id = $2
"""  # noqa: S608 the columns are constants


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A rate promised to one customer: billionths of one unit of `to_currency` for one of `from_currency`.

    `exchange_rate_id` is the exchange's own name of it.
    """

    id: UUID
    customer_id: UUID
    from_currency: str
    to_currency: str
    rate_nano: int
    exchange_rate_id: str
    expires_at: datetime
    expired: bool


async def insert(
    connection: Connection,
    quote_id: UUID,
    *,
    customer_id: UUID,
    from_currency: str,
    to_currency: str,
    rate_nano: int,
    exchange_rate_id: str,
    ttl_s: float,
) -> Quote:
    """Promise the rate for `ttl_s` seconds."""
    row = await connection.fetchrow(
        _QUOTE, quote_id, customer_id, from_currency, to_currency, rate_nano, exchange_rate_id, ttl_s
    )
    assert row is not None
    return _quote(row)


async def find(connection: Connection, quote_id: UUID, *, customer_id: UUID) -> Quote | None:
    """The customer's quote."""
    row = await connection.fetchrow(_FIND, quote_id, customer_id)
    return None if row is None else _quote(row)


def _quote(row: asyncpg.Record) -> Quote:
    return Quote(**dict(row))
