"""Planted: a password is kept as it is, to be able to remind its owner."""

import hmac

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.auth.passwords import Passwords

CARD = DefectCard(
    id="passwords-kept-plain",
    title="Passwords are stored as they are",
    parts=("auth.passwords",),
    root_cause="The hash was left out in the first version, and a reminder by mail came to depend on it.",
    caught_by=("INV-23.password-stored",),
    exposed_by="Anybody who reads one row of the table.",
    symptoms="Customers lose accounts elsewhere, where they had the same password.",
    fix="Argon2id, and a reset instead of a reminder.",
    origin="CWE-256; ASVS 5.0, V6.2.",
)


PLAIN = "plain:"


def twin(_healthy: type[Passwords], _settings: ServiceSettings) -> type[Passwords]:
    """A vault with a window."""
    return PlainPasswords


class PlainPasswords(Passwords):
    """Keeps what it is given."""

    async def hash(self, password: str) -> str:
        return PLAIN + password

    async def verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is not None and password_hash.startswith(PLAIN):
            return hmac.compare_digest(password_hash.removeprefix(PLAIN).encode(), password.encode())
        return await super().verify(password_hash, password)


TWINS: Twins = {"auth.passwords": twin}
