"""Seals bytes with a secret of the fleet: they cannot be read at a glance, and a changed seal does not open.

Whoever may read the secret can open every seal made with it; this keeps honest people from seeing what they would
rather not, and it keeps nobody out of a machine of his own.
"""

import base64
import hashlib
import hmac
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

BLOCK_BYTES: Final = 1024
"""Contents are filled up to a multiple of it, so that the length of a seal says little about what is in it."""
FILLER: Final = b" "


class SealBrokenError(Exception):
    """The seal was made with another secret or for another purpose, or somebody changed it."""


def seal(content: bytes, *, secret: str, purpose: str) -> str:
    """Encrypted and authenticated text. `content` is JSON: what is filled up is white space at its end."""
    filled = content + FILLER * (-len(content) % BLOCK_BYTES)
    return _box(secret, purpose).encrypt(filled).decode()


def unseal(sealed: str, *, secret: str, purpose: str) -> bytes:
    """What was sealed. Raises SealBrokenError."""
    try:
        return _box(secret, purpose).decrypt(sealed).rstrip(FILLER)
    except InvalidToken as error:
        raise SealBrokenError("the seal is broken") from error


def _box(secret: str, purpose: str) -> Fernet:
    key = hmac.digest(secret.encode(), f"shopstream seal: {purpose}".encode(), hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
