"""The quote that each converted order is pinned to. Every statement runs inside the caller's transaction."""

from uuid import UUID

from shared.unit_of_work import Connection
from svc.orders.pricing import Conversion

_PIN = """
    INSERT INTO order_conversions (order_id, quote_id, priced_in, rate_nano, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (quote_id) DO NOTHING RETURNING true
"""


async def pin(connection: Connection, order_id: UUID, conversion: Conversion) -> bool:
    """Give the quote to the order for ever; False when another order has it. The caller undoes the transaction then."""
    pinned = await connection.fetchval(
        _PIN,
        order_id,
        conversion.quote_id,
        conversion.from_currency,
        conversion.rate_nano,
        conversion.expires_at,
    )
    return bool(pinned)
