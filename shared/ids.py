"""Identifiers: time-ordered UUIDv7, ids derived from facts, and short codes for people.

Never a source of secrets: UUIDv7 shows its time and derived ids are repeatable by design.
"""

import hashlib
import os
import threading
import time
from uuid import NAMESPACE_URL, UUID, uuid5

_COUNTER_BITS = 42
_COUNTER_MAX = (1 << _COUNTER_BITS) - 1
_TAIL_BITS = 32
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U
_CODE_LENGTH = 10

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, 42-bit counter + 32 random bits).

    Strictly increasing within a process, also within one millisecond and when the clock steps back.
    """
    global _last_ms, _counter  # noqa: PLW0603 - the generator's state is the process's
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        random_bits = int.from_bytes(os.urandom(10))
        if now_ms > _last_ms:
            _last_ms = now_ms
            # the top bit starts clear, which leaves half the range for the same millisecond
            _counter = (random_bits >> _TAIL_BITS) & (_COUNTER_MAX >> 1)
        elif _counter < _COUNTER_MAX:
            _counter += 1
        else:
            _last_ms += 1
            _counter = 0
        ms, counter = _last_ms, _counter
    tail = random_bits & 0xFFFF_FFFF
    high, low = counter >> 30, counter & 0x3FFF_FFFF
    value = (ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low << 32 | tail
    return UUID(int=value)


def derived_id(namespace: str, *parts: object) -> UUID:
    """Return the UUIDv5 of the given facts; equal facts give the equal id on every machine.

    Parts are length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    """
    texts = [str(part) for part in parts]
    name = namespace + "".join(f"\x1f{len(text)}:{text}" for text in texts)
    return uuid5(NAMESPACE_URL, f"shopstream:{name}")


def public_code(prefix: str, identifier: UUID) -> str:
    """Return a short code for people, such as `SO-7K2M9QX4TB`: 50 bits of a hash of the id.

    Not an authorisation and not guaranteed unique: columns that hold it carry a unique constraint.
    """
    value = int.from_bytes(hashlib.sha256(identifier.bytes).digest()[:8])
    letters: list[str] = []
    for _ in range(_CODE_LENGTH):
        value, index = divmod(value, len(_CODE_ALPHABET))
        letters.append(_CODE_ALPHABET[index])
    return f"{prefix}-{''.join(letters)}"


def _reseed_after_fork() -> None:
    global _last_ms, _lock  # noqa: PLW0603 - siblings must not continue one counter
    _lock = threading.Lock()
    _last_ms = 0


os.register_at_fork(after_in_child=_reseed_after_fork)
