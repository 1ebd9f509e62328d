"""Payments and their attempts at the PSP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.ids import new_id
from shared.unit_of_work import Connection
from shared.work_table import CallColumn, WorkTable
from svc.payments.domain import CAPTURABLE, OPEN, UNPAID, Authorised, Captured, PaymentStatus, charge_key

_COLUMNS = """
    id, order_id, order_number, customer_id, email, amount_minor, currency, payment_method, status, cancel_requested,
    captured_minor, extra_captured_minor, refund_reserved_minor, refunded_minor, extra_refunded_minor, disputed_minor,
    psp_payment_id, attempts, version, traceparent, quote_id, capture_apart, created_at
"""
_INSERT = """
    INSERT INTO payments
        (id, order_id, order_number, customer_id, email, amount_minor, currency, payment_method, status, version,
         traceparent, quote_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (order_id) DO NOTHING
    RETURNING true
"""
_BEGIN_ATTEMPTS = """
    INSERT INTO payment_attempts (id, payment_id, number, idempotency_key)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[])
"""
_DOUBT_ATTEMPTS = """
    UPDATE payment_attempts SET outcome = 'unknown', detail = $2
    WHERE payment_id = ANY($1::uuid[]) AND outcome = 'pending'
"""
_RESOLVE_ATTEMPT = """
    UPDATE payment_attempts SET outcome = $2, resolved_at = clock_timestamp(), detail = $3
    WHERE payment_id = $1 AND number = (
        SELECT number FROM payment_attempts WHERE payment_id = $1
        ORDER BY (outcome IN ('pending', 'unknown')) DESC, number DESC LIMIT 1
    )
"""
_CAPTURE = """
    UPDATE payments SET status = 'captured', captured_minor = amount_minor, psp_payment_id = $2, version = version + 1,
        updated_at = clock_timestamp()
    WHERE id = $1 AND status = ANY($3::text[])
    RETURNING version
"""
_AUTHORISE = """
    UPDATE payments SET psp_payment_id = $2, updated_at = clock_timestamp(),
        status = CASE WHEN status = 'cancelled' THEN status ELSE 'authorised' END
    WHERE id = $1 AND capture_apart AND status = ANY($3::text[])
    RETURNING true
"""
_END = """
    UPDATE payments SET status = $2, version = version + 1, updated_at = clock_timestamp()
    WHERE id = $1 AND status = ANY($3::text[])
    RETURNING version
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM payments
    WHERE ($1::uuid IS NULL OR customer_id = $1) AND ($2::uuid IS NULL OR order_id = $2)
        AND ($3::uuid IS NULL OR id > $3)
    ORDER BY id LIMIT $4
"""  # noqa: S608 the columns are constants


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What an order owes; `amount_minor` in minor units of `currency`, `version` counts published events.

    `quote_id` is the quote its price was converted at, if it was.
    """

    id: UUID
    order_id: UUID
    order_number: str
    customer_id: UUID
    email: str
    amount_minor: int
    currency: str
    payment_method: str
    status: PaymentStatus
    version: int
    traceparent: str | None
    quote_id: UUID | None = None


class Payment(NewPayment, frozen=True, kw_only=True):
    """A stored payment; `extra_` is what was captured beyond the one owed, and what of that went back."""

    cancel_requested: bool
    captured_minor: int
    extra_captured_minor: int
    refund_reserved_minor: int
    refunded_minor: int
    extra_refunded_minor: int
    disputed_minor: int
    psp_payment_id: str | None
    attempts: int
    capture_apart: bool
    created_at: datetime

    @property
    def refundable_minor(self) -> int:
        """What can still be asked back; what a bank took back for the customer is not given twice."""
        kept_minor = self.captured_minor + self.extra_captured_minor - self.refund_reserved_minor
        return max(0, kept_minor - self.disputed_minor)

    @property
    def owed_refunded_minor(self) -> int:
        """What went back of the capture that was owed."""
        return self.refunded_minor - self.extra_refunded_minor


async def insert(connection: Connection, payment: NewPayment) -> bool:
    """Store the payment of an order; False when the order has one already."""
    inserted = await connection.fetchval(
        _INSERT,
        payment.id,
        payment.order_id,
        payment.order_number,
        payment.customer_id,
        payment.email,
        payment.amount_minor,
        payment.currency,
        payment.payment_method,
        payment.status,
        payment.version,
        payment.traceparent,
        payment.quote_id,
    )
    return inserted is not None


async def of_id(connection: Connection, payment_id: UUID) -> Payment | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM payments WHERE id = $1", payment_id)  # noqa: S608
    return None if row is None else _payment(row)


async def lock(connection: Connection, payment_id: UUID) -> Payment | None:
    """The payment, locked until the transaction ends."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM payments WHERE id = $1 FOR UPDATE", payment_id)  # noqa: S608
    return None if row is None else _payment(row)


async def page(
    connection: Connection, *, customer_id: UUID | None, order_id: UUID | None, after: UUID | None, rows_max: int
) -> list[Payment]:
    """Payments in order of their ids, of one customer or of all."""
    return [_payment(row) for row in await connection.fetch(_LIST, customer_id, order_id, after, rows_max)]


async def note_claim(connection: Connection, claimed: Sequence[Payment]) -> None:
    """Store the attempt of each charge before its call; the attempts of those to be asked about are in doubt."""
    charges = [payment for payment in claimed if payment.status is PaymentStatus.PROCESSING]
    if charges:
        await connection.execute(
            _BEGIN_ATTEMPTS,
            [new_id() for _ in charges],
            [payment.id for payment in charges],
            [payment.attempts for payment in charges],
            [charge_key(payment.id) for payment in charges],
        )
    doubtful = [payment.id for payment in claimed if payment.status is PaymentStatus.UNKNOWN]
    if doubtful:
        await connection.execute(_DOUBT_ATTEMPTS, doubtful, "its holder was lost")


async def capture(connection: Connection, payment_id: UUID, captured: Captured) -> int | None:
    """Settle as captured and resolve its attempt; gives the aggregate version, None when it cannot be captured now."""
    version = await connection.fetchval(_CAPTURE, payment_id, captured.psp_payment_id, sorted(CAPTURABLE))
    if version is not None:
        await connection.execute(_RESOLVE_ATTEMPT, payment_id, "captured", captured.psp_payment_id)
    return version


async def hold_first(connection: Connection, payment_id: UUID) -> None:
    """Only authorise it at first; nothing changes once it was charged."""
    await connection.execute(
        "UPDATE payments SET capture_apart = true WHERE id = $1 AND status = 'pending' AND attempts = 0", payment_id
    )


async def authorise(connection: Connection, payment_id: UUID, authorised: Authorised) -> bool:
    """The PSP holds the money, for a cancelled payment in vain; False when it cannot be held now."""
    held = await connection.fetchval(_AUTHORISE, payment_id, authorised.psp_payment_id, sorted(CAPTURABLE))
    if held is not None:
        await connection.execute(_RESOLVE_ATTEMPT, payment_id, "authorised", authorised.psp_payment_id)
    return held is not None


async def end(connection: Connection, payment_id: UUID, status: PaymentStatus, *, detail: str) -> int | None:
    """End an unpaid payment without a capture; gives the aggregate version, None when it had ended."""
    version = await connection.fetchval(_END, payment_id, status, sorted(UNPAID))
    if version is not None:
        outcome = "declined" if status is PaymentStatus.FAILED else "error"
        await _resolve_open_attempt(connection, payment_id, outcome=outcome, detail=detail)
    return version


async def retry(connection: Connection, payment_id: UUID, *, delay_s: float, detail: str) -> None:
    """The call under way certainly had no effect: charge again after the delay, with the same key."""
    await WORK.retry(connection, payment_id, delay_s=delay_s)
    await _resolve_open_attempt(connection, payment_id, outcome="error", detail=detail)


async def doubt(connection: Connection, payment_id: UUID, *, delay_s: float, detail: str) -> None:
    """Nobody knows what the call did: ask after the delay."""
    await WORK.doubt(connection, payment_id, delay_s=delay_s)
    await connection.execute(_DOUBT_ATTEMPTS, [payment_id], detail)


async def request_cancel(connection: Connection, payment_id: UUID) -> None:
    """Remember that a capture, should it come, is to be given back."""
    await connection.execute("UPDATE payments SET cancel_requested = true WHERE id = $1", payment_id)


async def reserve_refund(connection: Connection, payment_id: UUID, amount_minor: int) -> bool:
    """Set money aside for a refund; False when that exceeded what was captured. Atomic."""
    return (
        await connection.fetchval(
            "UPDATE payments SET refund_reserved_minor = refund_reserved_minor + $2, updated_at = clock_timestamp() "
            "WHERE id = $1 "
            "AND refund_reserved_minor + $2 <= captured_minor + extra_captured_minor RETURNING true",
            payment_id,
            amount_minor,
        )
        is not None
    )


async def release_refund(connection: Connection, payment_id: UUID, amount_minor: int) -> None:
    """The refund failed: the money may be asked back again."""
    await connection.execute(
        "UPDATE payments SET refund_reserved_minor = refund_reserved_minor - $2, updated_at = clock_timestamp() "
        "WHERE id = $1",
        payment_id,
        amount_minor,
    )


async def count_event(connection: Connection, payment_id: UUID) -> int:
    """Count one more published event that changes nothing else; gives the aggregate version."""
    return await connection.fetchval(
        "UPDATE payments SET version = version + 1, updated_at = clock_timestamp() WHERE id = $1 RETURNING version",
        payment_id,
    )


async def book_refund(connection: Connection, payment_id: UUID, amount_minor: int) -> tuple[int, int]:
    """Money that was owed went back: the sum of such refunds told so far and the aggregate version."""
    row = await connection.fetchrow(
        "UPDATE payments SET refunded_minor = refunded_minor + $2, version = version + 1, "
        "updated_at = clock_timestamp() WHERE id = $1 "
        "RETURNING refunded_minor - extra_refunded_minor + refund_reversed_minor AS refunded_minor, version",
        payment_id,
        amount_minor,
    )
    assert row is not None
    return row["refunded_minor"], row["version"]


async def unbook_refund(connection: Connection, payment_id: UUID, amount_minor: int) -> tuple[int, int]:
    """A refund that was booked never was made: the sum of such ones so far and the aggregate version."""
    row = await connection.fetchrow(
        "UPDATE payments SET refunded_minor = refunded_minor - $2, "
        "refund_reserved_minor = refund_reserved_minor - $2, refund_reversed_minor = refund_reversed_minor + $2, "
        "version = version + 1, updated_at = clock_timestamp() WHERE id = $1 RETURNING refund_reversed_minor, version",
        payment_id,
        amount_minor,
    )
    assert row is not None
    return row["refund_reversed_minor"], row["version"]


async def owe(connection: Connection, payment_id: UUID, amount_minor: int) -> None:
    """So much more went back than was captured: the customer owes it."""
    await connection.execute(
        "UPDATE payments SET overpaid_minor = overpaid_minor + $2, updated_at = clock_timestamp() WHERE id = $1",
        payment_id,
        amount_minor,
    )


async def book_duplicate_return(connection: Connection, payment_id: UUID, amount_minor: int) -> int:
    """A capture beyond the one owed went back; gives the aggregate version."""
    return await connection.fetchval(
        "UPDATE payments SET refunded_minor = refunded_minor + $2, extra_refunded_minor = extra_refunded_minor + $2, "
        "version = version + 1, updated_at = clock_timestamp() WHERE id = $1 RETURNING version",
        payment_id,
        amount_minor,
    )


async def take_over_capture(connection: Connection, payment_id: UUID, extra: Captured) -> bool:
    """Know a second capture as ours, so that it can be given back; False when it was known."""
    fresh = await connection.fetchval(
        "INSERT INTO extra_captures (psp_payment_id, payment_id, amount_minor, currency) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING RETURNING true",
        extra.psp_payment_id,
        payment_id,
        extra.amount_minor,
        extra.currency,
    )
    if fresh is None:
        return False
    await connection.execute(
        "UPDATE payments SET extra_captured_minor = extra_captured_minor + $2, updated_at = clock_timestamp() "
        "WHERE id = $1",
        payment_id,
        extra.amount_minor,
    )
    return True


async def extra_captures(connection: Connection, payment_id: UUID) -> list[Captured]:
    """The captures beyond the one owed that are booked, in the order of their ids."""
    rows = await connection.fetch(
        "SELECT psp_payment_id, amount_minor, currency FROM extra_captures WHERE payment_id = $1 "
        "ORDER BY psp_payment_id",
        payment_id,
    )
    return [Captured(row["psp_payment_id"], row["amount_minor"], row["currency"]) for row in rows]


async def forget_capture(connection: Connection, payment_id: UUID, extra: Captured) -> bool:
    """Take a capture that never was off the payment; False where what was paid back, or is about to be, needs it."""
    lowered = await connection.fetchval(
        "UPDATE payments SET extra_captured_minor = extra_captured_minor - $2, updated_at = clock_timestamp() "
        "WHERE id = $1 AND extra_captured_minor - extra_refunded_minor >= $2 "
        "AND captured_minor + extra_captured_minor - refund_reserved_minor >= $2 RETURNING true",
        payment_id,
        extra.amount_minor,
    )
    if lowered is None:
        return False
    await connection.execute("DELETE FROM extra_captures WHERE psp_payment_id = $1", extra.psp_payment_id)
    return True


async def took_over(connection: Connection, psp_payment_id: str) -> bool:
    """Whether this capture is known as one beyond the one owed."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM extra_captures WHERE psp_payment_id = $1)", psp_payment_id
    )


async def end_review(connection: Connection, payment_id: UUID, *, about: str) -> None:
    """What a person had to look at because of this capture is settled."""
    await connection.execute(
        "UPDATE payments SET review = NULL WHERE id = $1 AND right(review, length($2)) = $2", payment_id, about
    )


async def books(connection: Connection, *, after: UUID | None, rows_max: int) -> list[asyncpg.Record]:
    """Per payment, in order of ids: what it captured and refunded, and what the ledger says is left of its order."""
    return await connection.fetch(
        """
        SELECT p.id, p.order_id, p.status, p.currency, p.psp_payment_id, p.refunded_minor, p.refund_reserved_minor,
               p.disputed_minor, p.overpaid_minor,
               p.captured_minor + p.extra_captured_minor AS captured_minor,
               coalesce(sum(l.amount_minor), 0)::bigint AS ledger_net_minor
        FROM payments p LEFT JOIN ledger_entries l ON l.order_id = p.order_id AND l.account = 'psp_receivable'
        WHERE $1::uuid IS NULL OR p.id > $1
        GROUP BY p.id ORDER BY p.id LIMIT $2
        """,
        after,
        rows_max,
    )


async def reviews(connection: Connection, *, rows_max: int) -> Sequence[tuple[UUID, str]]:
    """Orders whose payment a person must look at, and why."""
    rows = await connection.fetch(
        "SELECT order_id, review FROM payments WHERE review IS NOT NULL ORDER BY id LIMIT $1", rows_max
    )
    return [(row["order_id"], row["review"]) for row in rows]


async def _resolve_open_attempt(connection: Connection, payment_id: UUID, *, outcome: str, detail: str) -> None:
    await connection.execute(
        "UPDATE payment_attempts SET outcome = $2, resolved_at = clock_timestamp(), detail = $3 "
        "WHERE payment_id = $1 AND outcome IN ('pending', 'unknown')",
        payment_id,
        outcome,
        detail,
    )


def _payment(row: asyncpg.Record) -> Payment:
    values: dict[str, Any] = dict(row)
    values["status"] = PaymentStatus(values["status"])
    return Payment(**values)


WORK = WorkTable(
    "payments",
    key="id",
    is_open=f"status IN ({', '.join(repr(status.value) for status in sorted(OPEN))})",
    columns=_COLUMNS,
    read=_payment,
    call=CallColumn(
        "status", idle=PaymentStatus.PENDING, under_way=PaymentStatus.PROCESSING, unknown=PaymentStatus.UNKNOWN
    ),
)
"""Payments to be charged, and to be asked about."""
