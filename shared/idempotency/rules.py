"""What an idempotency key may be, when two requests are the same, and what a key that came before is answered. Pure."""

import hashlib

import msgspec

from shared.errors import Kind, Refusal

KEY_CHARACTERS_MAX = 255
COMPLETED = "completed"


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


class Known(msgspec.Struct, frozen=True):
    """A key that came before, and what was answered once it is completed."""

    fingerprint: bytes
    status: str
    answer_status: int | None
    answer_body: bytes | None


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


def answer_of(known: Known, *, fingerprint: bytes) -> Answer:
    """What is repeated to a request with a key that came before.

    Raises `IdempotencyKeyReused` (other body), `RequestInFlight` (no answer yet).
    """
    if known.fingerprint != fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key was used with another body")
    if known.status != COMPLETED:
        raise RequestInFlight("the same request is being worked on; try again")
    assert known.answer_status is not None, "a completed key has its answer"
    assert known.answer_body is not None, "a completed key has its answer"
    return Answer(known.answer_status, known.answer_body)
