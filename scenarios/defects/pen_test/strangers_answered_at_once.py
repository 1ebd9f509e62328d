"""Planted: where there is no account, no password is hashed."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.auth.passwords import Passwords

CARD = DefectCard(
    id="strangers-answered-at-once",
    title="A sign-in tells by its time who has an account",
    parts=("auth.passwords",),
    root_cause="Hashing is dear, and without an account there is nothing to compare with.",
    caught_by=("INV-23.account-timing",),
    exposed_by="A hundred addresses, and a clock.",
    symptoms="The answers are the same word for word; a list of customers is sold all the same.",
    fix="Hash against a decoy of the same cost.",
    origin="CWE-208; CVE-2016-6210 (OpenSSH).",
)


def twin(_healthy: type[Passwords], _settings: ServiceSettings) -> type[Passwords]:
    """A comparison that spares itself."""
    return SparingPasswords


class SparingPasswords(Passwords):
    """Works for customers alone."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        return password_hash is not None and await super().verify(password_hash, password)


TWINS: Twins = {"auth.passwords": twin}
