"""What people who do not show who they are asked a letter for. A row is taken away by its only use."""

from datetime import timedelta
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.auth.domain import Outcome, Request

KEPT_AFTER_EXPIRY = timedelta(hours=1)
LAPSED_AT_ONCE_MAX = 500

_INSERT = """
    INSERT INTO letter_requests (id, kind, email, name, password_hash, traceparent, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
"""
_LAPSED = """
    DELETE FROM letter_requests WHERE id IN (
        SELECT id FROM letter_requests WHERE outcome IS NOT NULL AND expires_at < clock_timestamp() - $1::interval
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING id, kind, outcome
"""


class Registration(msgspec.Struct, frozen=True):
    """A proven registration, as it becomes an account."""

    email: str
    name: str
    password_hash: str


class Lapsed(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    outcome: str


async def insert(
    connection: Connection,
    request: Request,
    *,
    password_hash: str | None,
    ttl_s: float,
) -> None:
    """The same statement, whatever is known of the address."""
    await connection.execute(
        _INSERT,
        request.id,
        request.kind.value,
        request.email,
        request.name,
        password_hash,
        request.traceparent,
        ttl_s,
    )


async def lock_address(connection: Connection, email: str) -> None:
    """One letter to an address at a time, over all instances, so that none escapes the count."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", email)


async def letters_lately(connection: Connection, email: str) -> int:
    """Letters to the address within the last hour that nobody has used."""
    return await connection.fetchval(
        "SELECT count(*) FROM letter_requests WHERE email = $1 AND outcome IN ('written', 'repeated') "
        "AND created_at > clock_timestamp() - interval '1 hour'",
        email,
    )


async def conclude(connection: Connection, request_id: UUID, outcome: Outcome, *, user_id: UUID | None) -> None:
    """What came of it, and whose address it was."""
    await connection.execute(
        "UPDATE letter_requests SET outcome = $2, user_id = $3 WHERE id = $1 AND outcome IS NULL",
        request_id,
        outcome.value,
        user_id,
    )


async def take_registration(connection: Connection, request_id: UUID) -> Registration | None:
    """Use the registration up; of several at once one gets it."""
    row = await connection.fetchrow(
        "DELETE FROM letter_requests WHERE id = $1 AND kind = 'registration' AND expires_at > clock_timestamp() "
        "RETURNING email, name, password_hash",
        request_id,
    )
    return None if row is None else Registration(**dict(row))


async def reset_address(connection: Connection, request_id: UUID) -> str | None:
    """The address whose password may be reset; None when the request is used, expired or nobody's."""
    return await connection.fetchval(
        "SELECT email FROM letter_requests "
        "WHERE id = $1 AND kind = 'password_reset' AND outcome = 'written' AND expires_at > clock_timestamp()",
        request_id,
    )


async def take_reset(connection: Connection, request_id: UUID) -> UUID | None:
    """Use the reset up; of several at once one gets whose it is."""
    return await connection.fetchval(
        "DELETE FROM letter_requests "
        "WHERE id = $1 AND kind = 'password_reset' AND outcome = 'written' AND expires_at > clock_timestamp() "
        "RETURNING user_id",
        request_id,
    )


async def withdraw_resets(connection: Connection, user_id: UUID) -> None:
    """No older letter changes a password that was changed since."""
    await connection.execute("DELETE FROM letter_requests WHERE user_id = $1 AND kind = 'password_reset'", user_id)


async def forget(connection: Connection, user_id: UUID, email: str) -> None:
    """Everything asked for by or for a person who is erased."""
    await connection.execute("DELETE FROM letter_requests WHERE user_id = $1 OR email = $2", user_id, email)


async def take_lapsed(connection: Connection) -> list[Lapsed]:
    """Forget what was never used; kept for as long as it still counts against its address."""
    return [Lapsed(**dict(row)) for row in await connection.fetch(_LAPSED, KEPT_AFTER_EXPIRY, LAPSED_AT_ONCE_MAX)]


WORK = WorkTable(
    "letter_requests",
    key="id",
    is_open="outcome IS NULL",
    columns="id, kind, email, name, traceparent",
    read=lambda row: msgspec.convert(dict(row), Request),
)
"""Requests that nobody has looked at yet."""
