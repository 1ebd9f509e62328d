"""Tokens that work once, derived from the fleet's secret and an id: who writes the letter needs no token sent to it.

No event, row, log or dead letter holds such a token. That it works once and not for ever is the business of the row
behind the id.
"""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from shared.errors import Kind, Refusal

REGISTRATION = "registration"
PASSWORD_RESET = "password_reset"  # noqa: S105 what the token is for

TOKEN_CHARACTERS = 64
_ID_BYTES = 16


class TokenGone(Refusal):
    """Used, expired, withdrawn or never given out; the answer never says which."""

    code = "token_gone"
    kind = Kind.GONE


def mint(secret: str, purpose: str, identifier: UUID) -> str:
    """The token of a row, the same whenever it is asked for: 256 bits that nobody without the secret can guess."""
    return base64.urlsafe_b64encode(identifier.bytes + _mac(secret, purpose, identifier)).decode()


def read(secret: str, purpose: str, token: str) -> UUID:
    """The row that a token names. Raises `TokenGone` for one that we did not make for this purpose."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(token) != TOKEN_CHARACTERS or len(raw) <= _ID_BYTES:
        raise TokenGone("ask for a new letter")
    identifier = UUID(bytes=raw[:_ID_BYTES])
    if not hmac.compare_digest(raw[_ID_BYTES:], _mac(secret, purpose, identifier)):
        raise TokenGone("ask for a new letter")
    return identifier


def _mac(secret: str, purpose: str, identifier: UUID) -> bytes:
    key = hmac.digest(secret.encode(), f"shopstream one-time token: {purpose}".encode(), hashlib.sha256)
    return hmac.digest(key, identifier.bytes, hashlib.sha256)
