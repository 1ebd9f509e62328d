"""Authorisations: money held at the PSP, captured or let go once. Every statement runs in the caller's transaction.

A row is due from its beginning: at the end of its time it is voided. Who decides before moves that moment to now.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from shared.work_table import CallColumn, WorkTable
from svc.payments.domain import AuthorisationStatus, Authorised, Captured, Intent

_COLUMNS = """
    payment_id, order_id, psp_payment_id, authorised_minor, captured_minor, currency, intent, reason, decided_at,
    status, expires_at, attempts, traceparent, created_at
"""
_OPEN = "'pending', 'processing', 'unknown'"
_HOLD = """
    INSERT INTO authorisations
        (payment_id, order_id, psp_payment_id, authorised_minor, currency, expires_at, due_at, traceparent)
    SELECT $1, $2, $3, $4, $5, ends.at, ends.at, $7
    FROM (
        SELECT CASE WHEN $6 > 0 THEN to_timestamp($6) ELSE clock_timestamp() + interval '6 days' END AS at
    ) AS ends
    ON CONFLICT (payment_id) DO NOTHING
"""
_DECIDE = f"""
    UPDATE authorisations SET intent = $2, reason = $3, decided_by = $4, decided_at = clock_timestamp(),
        due_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE payment_id = $1 AND status = 'pending' AND decided_at IS NULL
    RETURNING {_COLUMNS}
"""  # noqa: S608 the columns are constants
_HELD = f"""
    SELECT {_COLUMNS} FROM authorisations
    WHERE status IN ({_OPEN}) AND ($1::uuid IS NULL OR payment_id > $1)
    ORDER BY payment_id LIMIT $2
"""  # noqa: S608 the columns are constants


class Authorisation(msgspec.Struct, frozen=True, kw_only=True):
    """Money held; amounts in minor units of `currency`, `reason` is why it is to end as `intent` says."""

    payment_id: UUID
    order_id: UUID
    psp_payment_id: str
    authorised_minor: int
    captured_minor: int
    currency: str
    intent: Intent
    reason: str
    decided_at: datetime | None
    status: AuthorisationStatus
    expires_at: datetime
    attempts: int
    traceparent: str | None
    created_at: datetime


async def hold(
    connection: Connection,
    payment_id: UUID,
    authorised: Authorised,
    *,
    order_id: UUID,
    traceparent: str | None,
) -> None:
    """Store that the PSP holds the money; it is let go at the end of its time unless somebody decides before."""
    await connection.execute(
        _HOLD,
        payment_id,
        order_id,
        authorised.psp_payment_id,
        authorised.amount_minor,
        authorised.currency,
        authorised.until,
        traceparent,
    )


async def decide(
    connection: Connection, payment_id: UUID, intent: Intent, *, reason: str, decided_by: str
) -> Authorisation | None:
    """Have it end so, at once; None when somebody or its time decided before. Atomic: of many one wins."""
    row = await connection.fetchrow(_DECIDE, payment_id, intent, reason, decided_by)
    return None if row is None else _authorisation(row)


async def of_payment(connection: Connection, payment_id: UUID) -> Authorisation | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM authorisations WHERE payment_id = $1", payment_id)  # noqa: S608 constants
    return None if row is None else _authorisation(row)


async def open_page(connection: Connection, *, after: UUID | None, rows_max: int) -> list[Authorisation]:
    """What has not ended, in order of the payments' ids."""
    return [_authorisation(row) for row in await connection.fetch(_HELD, after, rows_max)]


async def capture(connection: Connection, payment_id: UUID, captured: Captured) -> None:
    """The PSP took it, whoever had asked for that."""
    await connection.execute(
        "UPDATE authorisations SET status = 'captured', captured_minor = $2, intent = 'capture', "
        "decided_by = coalesce(decided_by, 'psp'), decided_at = coalesce(decided_at, clock_timestamp()), "
        "updated_at = clock_timestamp() WHERE payment_id = $1 AND psp_payment_id = $3",
        payment_id,
        captured.amount_minor,
        captured.psp_payment_id,
    )


async def void(connection: Connection, payment_id: UUID) -> str | None:
    """The PSP let it go; gives why, None when it had ended."""
    return await connection.fetchval(
        "UPDATE authorisations SET status = 'voided', intent = 'void', updated_at = clock_timestamp() "  # noqa: S608 constants
        f"WHERE payment_id = $1 AND status IN ({_OPEN}) RETURNING reason",
        payment_id,
    )


def _authorisation(row: asyncpg.Record) -> Authorisation:
    values: dict[str, Any] = dict(row)
    values["status"] = AuthorisationStatus(values["status"])
    values["intent"] = Intent(values["intent"])
    return Authorisation(**values)


WORK = WorkTable(
    "authorisations",
    key="payment_id",
    is_open=f"status IN ({_OPEN})",
    columns=_COLUMNS,
    read=_authorisation,
    call=CallColumn(
        "status",
        idle=AuthorisationStatus.PENDING,
        under_way=AuthorisationStatus.PROCESSING,
        unknown=AuthorisationStatus.UNKNOWN,
    ),
)
"""Authorisations to be captured or voided, and to be asked about."""
