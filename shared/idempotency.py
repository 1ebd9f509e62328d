"""One effect and one answer per (scope, key), after the IETF draft "The Idempotency-Key HTTP Header Field".

Scope is principal + method + route. A key is claimed in the transaction that does the work or in one before it; the
answer is stored in the transaction that ends the work.
"""

import hashlib
from datetime import timedelta

import msgspec

from shared.errors import Kind, Refusal
from shared.unit_of_work import Connection

KEY_CHARACTERS_MAX = 255
LEASE_S = 15.0
RETENTION = timedelta(hours=24)


class IdempotencyKeyMissing(Refusal):
    code = "idempotency_key_missing"
    kind = Kind.INVALID


class IdempotencyKeyInvalid(Refusal):
    code = "idempotency_key_invalid"
    kind = Kind.INVALID


class IdempotencyKeyReused(Refusal):
    """The key came before with another body."""

    code = "idempotency_key_reused"
    kind = Kind.UNPROCESSABLE


class RequestInFlight(Refusal):
    """The first request with this key is still being worked on."""

    code = "request_in_flight"
    kind = Kind.CONFLICT


class Answer(msgspec.Struct, frozen=True):
    """What was answered the first time; replayed to the letter."""

    status: int
    body: bytes


_CLAIM = """
    INSERT INTO idempotency_keys AS held (scope, key, fingerprint, status, lease_until)
    VALUES ($1, $2, $3, 'in_flight', clock_timestamp() + make_interval(secs => $4))
    ON CONFLICT (scope, key) DO UPDATE SET lease_until = excluded.lease_until
        WHERE held.status = 'in_flight' AND held.lease_until < clock_timestamp() AND held.fingerprint = $3
    RETURNING 1
"""


def checked_key(header: str | None) -> str:
    """The key as sent. Raises `IdempotencyKeyMissing`, `IdempotencyKeyInvalid`."""
    if header is None or not header.strip():
        raise IdempotencyKeyMissing("send an Idempotency-Key header with this request")
    key = header.strip().strip('"')
    if not key or len(key) > KEY_CHARACTERS_MAX or not key.isprintable():
        raise IdempotencyKeyInvalid(f"1 to {KEY_CHARACTERS_MAX} printable characters")
    return key


def fingerprint(body: object) -> bytes:
    """SHA-256 over the canonical JSON of a decoded body, so that spacing and key order do not matter."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()


async def claim(
    connection: Connection, scope: str, key: str, *, fingerprint: bytes, lease_s: float = LEASE_S
) -> Answer | None:
    """Claim the key, or give the stored answer to replay.

    None means: the caller holds the key (for the first time, or because the lease of a crashed holder ran out) and
    must `complete` it. Raises `IdempotencyKeyReused` (other body), `RequestInFlight` (live lease).
    """
    if await connection.fetchval(_CLAIM, scope, key, fingerprint, lease_s):
        return None
    row = await connection.fetchrow(
        "SELECT fingerprint, status, answer_status, answer_body FROM idempotency_keys WHERE scope = $1 AND key = $2",
        scope,
        key,
    )
    if row is None:  # its holder gave it up between the two statements
        raise RequestInFlight("the same request is being worked on; try again")
    if row["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key was used with another body")
    if row["status"] == "completed":
        return Answer(row["answer_status"], row["answer_body"])
    raise RequestInFlight("the same request is being worked on; try again")


async def complete(connection: Connection, scope: str, key: str, answer: Answer) -> None:
    """Store the answer; the first stored one stays."""
    await connection.execute(
        """
        UPDATE idempotency_keys
        SET status = 'completed', answer_status = $3, answer_body = $4, completed_at = clock_timestamp()
        WHERE scope = $1 AND key = $2 AND status = 'in_flight'
        """,
        scope,
        key,
        answer.status,
        answer.body,
    )


async def abandon(connection: Connection, scope: str, key: str) -> None:
    """Give up a claimed key without an answer, when nothing happened that a repeat could double."""
    await connection.execute(
        "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND status = 'in_flight'", scope, key
    )


async def prune(connection: Connection) -> None:
    """Forget completed keys older than `RETENTION`."""
    await connection.execute(
        "DELETE FROM idempotency_keys WHERE status = 'completed' AND created_at < now() - $1::interval",
        RETENTION,
    )
