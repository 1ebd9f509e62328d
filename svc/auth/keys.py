"""The ring of signing keys: which one signs now, which ones a reader must still accept, how one follows another.

A new key is published before it signs; an old one stays published until the last token it signed has expired.
"""

import asyncio
import secrets
import time
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from shared.clock import Clock
from shared.database import Database
from shared.unit_of_work import Connection
from svc.auth.sealed_secrets import SealedSecrets
from svc.auth.settings import ACCESS_TTL_S_MAX, Settings
from svc.auth.store import signing_keys
from svc.auth.store.signing_keys import StoredKey

RING_CACHED_S = 1.0
EXPIRY_MARGIN_S = 60


class PublicKey(msgspec.Struct, frozen=True):
    """One entry of the JWKS (RFC 8037)."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = "Ed25519"
    use: str = "sig"


class KeySet(msgspec.Struct, frozen=True):
    keys: list[PublicKey]


class KeyRing:
    """Reads the keys from the database at most once a second; makes the first one when there is none."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._sealed = SealedSecrets(settings.internal_secret, "signing keys")
        self._stored: list[StoredKey] = []
        self._opened: dict[str, OKPKey] = {}
        self._read_at = -RING_CACHED_S
        self._reading = asyncio.Lock()

    async def open(self) -> None:
        """Make sure that there is a key this process can sign with."""
        async with self._database.begin() as uow:
            await self.rotate_when_due(uow.connection)
        await self._read()

    async def close(self) -> None:
        """Nothing is held open."""

    async def signing_key(self) -> OKPKey:
        """The newest active key that opens under our secret; carries its kid."""
        await self._read_when_stale()
        key = self._current()
        assert key is not None, "open() made a key"
        return key

    async def public_keys(self) -> KeySet:
        """Every key that may have signed a token that is not expired yet, and the next one."""
        await self._read_when_stale()
        return KeySet([_public(stored) for stored in self._stored])

    async def rotate_when_due(self, connection: Connection) -> int:
        """Follow a key that is older than the rotation interval (or missing); returns how many were made."""
        await signing_keys.lock(connection)
        self._stored = await signing_keys.newest_first(connection)
        await self._retire(connection)
        newest = next((stored for stored in self._stored if self._private(stored) is not None), None)
        if newest is None:
            await self._make(connection, active_from=self._clock.now())
            return 1
        if self._clock.now() - newest.active_from < timedelta(seconds=self._settings.key_rotation_s):
            return 0
        return await self._follow(connection)

    async def rotate(self, connection: Connection) -> str:
        """Follow the current key now, with the usual announcement; returns the new kid."""
        await signing_keys.lock(connection)
        await self._follow(connection)
        self._read_at = -RING_CACHED_S
        return (await signing_keys.newest_first(connection))[0].kid

    async def _follow(self, connection: Connection) -> int:
        await self._make(connection, active_from=self._clock.now() + timedelta(seconds=self._settings.key_announce_s))
        return 1

    async def _make(self, connection: Connection, *, active_from: datetime) -> None:
        private = Ed25519PrivateKey.generate()
        kid = secrets.token_urlsafe(9)
        sealed = self._sealed.seal(private.private_bytes_raw(), kid)
        await signing_keys.insert(
            connection, StoredKey(kid, private.public_key().public_bytes_raw(), sealed, active_from)
        )

    async def _retire(self, connection: Connection) -> None:
        """Delete keys whose last token has expired: their follower has been signing for longer than a token lives."""
        horizon = self._clock.now() - timedelta(seconds=ACCESS_TTL_S_MAX + EXPIRY_MARGIN_S)
        followed = [
            older.kid
            for newer, older in zip(self._stored, self._stored[1:], strict=False)
            if newer.active_from < horizon and self._private(newer) is not None
        ]
        if followed:
            await signing_keys.delete(connection, followed)

    async def _read_when_stale(self) -> None:
        if time.monotonic() - self._read_at < RING_CACHED_S:
            return
        async with self._reading:
            if time.monotonic() - self._read_at >= RING_CACHED_S:
                await self._read()

    async def _read(self) -> None:
        async with self._database.acquire() as connection:
            self._stored = await signing_keys.newest_first(connection)
        self._read_at = time.monotonic()

    def _current(self) -> OKPKey | None:
        now = self._clock.now()
        for stored in self._stored:
            if stored.active_from <= now and (key := self._private(stored)) is not None:
                return key
        return None

    def _private(self, stored: StoredKey) -> OKPKey | None:
        """The private key, or None when it was sealed under another secret."""
        key = self._opened.get(stored.kid)
        if key is not None:
            return key
        raw = self._sealed.open(stored.sealed_private_key, stored.kid)
        if raw is None:
            return None
        if len(self._opened) >= signing_keys.KEYS_MAX:
            self._opened.clear()
        pem_key = Ed25519PrivateKey.from_private_bytes(raw)
        key = self._opened[stored.kid] = OKPKey.import_key(
            {"kty": "OKP", "crv": "Ed25519", "kid": stored.kid, "use": "sig",
             "x": _encode(pem_key.public_key().public_bytes_raw()), "d": _encode(raw)}
        )  # fmt: skip
        return key


def _public(stored: StoredKey) -> PublicKey:
    return PublicKey(kid=stored.kid, x=_encode(stored.public_key))


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
