"""Secrets at rest: AES-256-GCM under a key derived from the fleet's secret, one per purpose, bound to their owner."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class SealedSecrets:
    """Seals and opens; what was sealed for one owner or purpose opens for no other."""

    def __init__(self, internal_secret: str, purpose: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"shopstream auth {purpose}".encode())
        self._cipher = AESGCM(derived.derive(internal_secret.encode()))

    def seal(self, raw: bytes, owner: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, raw, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes | None:
        """What was sealed; None when it was sealed under another secret."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except InvalidTag:
            return None
