"""One effect and one answer per (scope, key), after the IETF draft "The Idempotency-Key HTTP Header Field".

Scope is principal + method + route. A key is claimed in the transaction that does the work or in one before it; the
answer is stored in the transaction that ends the work. All SQL on the keys is here: who cannot afford a round trip
of its own joins `CLAIM`, `completing` or `giving_up` into its statement.
"""

from datetime import timedelta

from shared.idempotency.rules import (
    COMPLETED,
    Answer,
    IdempotencyKeyInvalid,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Known,
    RequestInFlight,
    answer_of,
    checked_key,
    fingerprint,
)
from shared.unit_of_work import Connection

__all__ = [
    "Answer",
    "IdempotencyKeyInvalid",
    "IdempotencyKeyMissing",
    "IdempotencyKeyReused",
    "RequestInFlight",
    "checked_key",
    "claim",
    "complete",
    "completing",
    "find",
    "fingerprint",
    "giving_up",
    "replay",
]

LEASE_S = 15.0
RETENTION = timedelta(hours=24)
FORGETTABLE = (
    "idempotency_keys",
    f"status = 'completed' AND created_at < clock_timestamp() - interval '{RETENTION.total_seconds()} seconds'",
)
"""Table and condition of the answers that nobody may ask for any more."""

CLAIM = """
    INSERT INTO idempotency_keys AS held (scope, key, fingerprint, status, lease_until)
    VALUES ($1, $2, $3, 'in_flight', clock_timestamp() + make_interval(secs => $4))
    ON CONFLICT (scope, key) DO UPDATE SET lease_until = excluded.lease_until
        WHERE held.status = 'in_flight' AND held.lease_until < clock_timestamp() AND held.fingerprint = $3
    RETURNING clock_timestamp() AS at
"""
"""Claims a key; parameters are scope, key, fingerprint and the lease in seconds. No row: the key was used before."""


def completing(source: str, *, status: str, body: str) -> str:
    """The statement that stores the answer of the keys in the relation `source` (scope, key); the first one stays.

    `status` and `body` are SQL, such as parameters.
    """
    return f"""
        UPDATE idempotency_keys AS held
        SET status = 'completed', answer_status = {status}, answer_body = {body}, completed_at = clock_timestamp()
        FROM {source} WHERE held.scope = {source}.scope AND held.key = {source}.key AND held.status = 'in_flight'
        RETURNING 1
    """  # noqa: S608 the caller's own SQL


def giving_up(source: str) -> str:
    """The statement that makes the unanswered keys in the relation `source` (scope, key) new again."""
    return f"""
        DELETE FROM idempotency_keys AS held USING {source}
        WHERE held.scope = {source}.scope AND held.key = {source}.key AND held.status = 'in_flight'
        RETURNING 1
    """  # noqa: S608 the caller's own SQL


_COMPLETE = f"""
    WITH known AS (SELECT $1::text AS scope, $2::text AS key) {completing("known", status="$3", body="$4")}
"""
_KNOWN = "SELECT fingerprint, status, answer_status, answer_body FROM idempotency_keys WHERE scope = $1 AND key = $2"


async def claim(
    connection: Connection, scope: str, key: str, *, fingerprint: bytes, lease_s: float = LEASE_S
) -> Answer | None:
    """Claim the key, or give the stored answer to replay.

    None means: the caller holds the key (for the first time, or because the lease of a crashed holder ran out) and
    must `complete` it. Raises `IdempotencyKeyReused` (other body), `RequestInFlight` (live lease).
    """
    if await connection.fetchval(CLAIM, scope, key, fingerprint, lease_s):
        return None
    answer = await replay(connection, scope, key, fingerprint=fingerprint)
    if answer is None:  # its holder gave it up between the two statements
        raise RequestInFlight("the same request is being worked on; try again")
    return answer


async def complete(connection: Connection, scope: str, key: str, answer: Answer) -> Answer:
    """Store the answer and give the one to send: this, or the one that somebody had stored before, which stays."""
    if await connection.fetchval(_COMPLETE, scope, key, answer.status, answer.body):
        return answer
    return await find(connection, scope, key) or answer


async def find(connection: Connection, scope: str, key: str) -> Answer | None:
    """The answer of a key, None while there is none; claims nothing."""
    row = await connection.fetchrow(_KNOWN, scope, key)
    return Answer(row["answer_status"], row["answer_body"]) if row is not None and row["status"] == COMPLETED else None


async def replay(connection: Connection, scope: str, key: str, *, fingerprint: bytes) -> Answer | None:
    """The answer to repeat, None for a key that was never used; claims nothing.

    Raises `IdempotencyKeyReused` (other body), `RequestInFlight` (no answer yet).
    """
    row = await connection.fetchrow(_KNOWN, scope, key)
    return None if row is None else answer_of(Known(**row), fingerprint=fingerprint)
