"""Refunds: asked for by people or by a cancelled order, carried out by the job."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from shared.work_table import CallColumn, WorkTable
from svc.payments.domain import RefundStatus, refund_key

_COLUMNS = """
    id, payment_id, psp_payment_id, amount_minor, currency, reason, status, psp_refund_id, attempts, traceparent,
    created_at
"""
_OPEN = "'pending', 'processing', 'unknown'"


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A stored refund; `psp_payment_id` is the capture it gives back from."""

    id: UUID
    payment_id: UUID
    psp_payment_id: str
    amount_minor: int
    currency: str
    reason: str
    status: RefundStatus
    psp_refund_id: str | None
    attempts: int
    traceparent: str | None
    created_at: datetime


async def insert(  # noqa: PLR0913 a row has what it has
    connection: Connection,
    refund_id: UUID,
    *,
    payment_id: UUID,
    psp_payment_id: str,
    amount_minor: int,
    currency: str,
    reason: str,
    requested_by: str,
    traceparent: str | None,
) -> Refund | None:
    """Store a refund to be carried out; None when this id is stored already."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO refunds (id, payment_id, psp_payment_id, amount_minor, currency, reason, requested_by, status,
                             idempotency_key, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9)
        ON CONFLICT (id) DO NOTHING
        RETURNING {_COLUMNS}
        """,  # noqa: S608 constants
        refund_id,
        payment_id,
        psp_payment_id,
        amount_minor,
        currency,
        reason,
        requested_by,
        refund_key(refund_id),
        traceparent,
    )
    return None if row is None else _refund(row)


async def of_id(connection: Connection, refund_id: UUID) -> Refund | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM refunds WHERE id = $1", refund_id)  # noqa: S608 constants
    return None if row is None else _refund(row)


async def lock(connection: Connection, refund_id: UUID) -> Refund | None:
    """The refund, locked until the transaction ends."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM refunds WHERE id = $1 FOR UPDATE", refund_id)  # noqa: S608 constants
    return None if row is None else _refund(row)


async def of_payment(
    connection: Connection, payment_id: UUID, *, after: UUID | None = None, rows_max: int
) -> list[Refund]:
    """The refunds of a payment in order of their ids."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM refunds WHERE payment_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",  # noqa: S608 constants
        payment_id,
        after,
        rows_max,
    )
    return [_refund(row) for row in rows]


async def unbooked(connection: Connection, payment_id: UUID) -> list[Refund]:
    """The refunds of a payment that went out and of which the ledger knows nothing."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM refunds WHERE payment_id = $1 AND status = 'succeeded' "  # noqa: S608 constants
        "AND NOT EXISTS (SELECT FROM ledger_entries WHERE transaction_id = refunds.id) ORDER BY id",
        payment_id,
    )
    return [_refund(row) for row in rows]


async def succeed(connection: Connection, refund_id: UUID, psp_refund_id: str) -> bool:
    """Settle an open refund; False when it had ended."""
    return await _update(connection, "status = 'succeeded', psp_refund_id = $2", refund_id, psp_refund_id)


async def fail(connection: Connection, refund_id: UUID, reason: str) -> bool:
    """Give an open refund up; False when it had ended."""
    return await _update(connection, "status = 'failed', review = $2", refund_id, reason)


async def _update(connection: Connection, assignment: str, refund_id: UUID, value: object) -> bool:
    changed = await connection.fetchval(
        f"UPDATE refunds SET {assignment}, updated_at = clock_timestamp() "  # noqa: S608 constants
        f"WHERE id = $1 AND status IN ({_OPEN}) RETURNING true",
        refund_id,
        value,
    )
    return changed is not None


def _refund(row: asyncpg.Record) -> Refund:
    values: dict[str, Any] = dict(row)
    values["status"] = RefundStatus(values["status"])
    return Refund(**values)


WORK = WorkTable(
    "refunds",
    key="id",
    is_open=f"status IN ({_OPEN})",
    columns=_COLUMNS,
    read=_refund,
    call=CallColumn(
        "status", idle=RefundStatus.PENDING, under_way=RefundStatus.PROCESSING, unknown=RefundStatus.UNKNOWN
    ),
)
"""Refunds to be sent, and to be asked about."""
