"""Disputes of captured payments. Every statement runs inside the caller's transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from svc.payments.domain import DisputeStatus, DisputeTold

_COLUMNS = """
    d.id, d.psp_dispute_id, d.payment_id, p.order_id, d.amount_minor, d.currency, d.reason, d.status, d.created_at,
    d.closed_at
"""
_DISPUTES = f"SELECT {_COLUMNS} FROM disputes d JOIN payments p ON p.id = d.payment_id"  # noqa: S608 constants
_LIST = f"""
    {_DISPUTES}
    WHERE ($1::text IS NULL OR d.status = $1) AND ($2::uuid IS NULL OR d.id > $2)
    ORDER BY d.id LIMIT $3
"""


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A stored dispute; `reason` is the PSP's word."""

    id: UUID
    psp_dispute_id: str
    payment_id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    reason: str
    status: DisputeStatus
    created_at: datetime
    closed_at: datetime | None


async def of_psp(connection: Connection, psp_dispute_id: str) -> Dispute | None:
    row = await connection.fetchrow(f"{_DISPUTES} WHERE d.psp_dispute_id = $1", psp_dispute_id)
    return None if row is None else _dispute(row)


async def page(
    connection: Connection, *, status: DisputeStatus | None, after: UUID | None, rows_max: int
) -> list[Dispute]:
    """Disputes in order of their ids."""
    return [_dispute(row) for row in await connection.fetch(_LIST, status, after, rows_max)]


async def insert(connection: Connection, dispute_id: UUID, payment_id: UUID, told: DisputeTold) -> int:
    """Store an open dispute and what it withholds; gives the payment's aggregate version. The payment is locked."""
    await connection.execute(
        "INSERT INTO disputes (id, psp_dispute_id, payment_id, psp_payment_id, amount_minor, currency, reason) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        dispute_id,
        told.psp_dispute_id,
        payment_id,
        told.psp_payment_id,
        told.amount_minor,
        told.currency,
        told.reason,
    )
    return await _withhold(connection, payment_id, told.amount_minor)


async def close(connection: Connection, dispute: Dispute, status: DisputeStatus) -> int:
    """Store how an open dispute ended; what was won is withheld no longer. Gives the payment's aggregate version."""
    await connection.execute(
        "UPDATE disputes SET status = $2, closed_at = clock_timestamp() WHERE id = $1 AND status = 'opened'",
        dispute.id,
        status,
    )
    released_minor = dispute.amount_minor if status is DisputeStatus.WON else 0
    return await _withhold(connection, dispute.payment_id, -released_minor)


async def _withhold(connection: Connection, payment_id: UUID, amount_minor: int) -> int:
    return await connection.fetchval(
        "UPDATE payments SET disputed_minor = disputed_minor + $2, version = version + 1, "
        "updated_at = clock_timestamp() WHERE id = $1 RETURNING version",
        payment_id,
        amount_minor,
    )


def _dispute(row: asyncpg.Record) -> Dispute:
    values: dict[str, Any] = dict(row)
    values["status"] = DisputeStatus(values["status"])
    return Dispute(**values)
