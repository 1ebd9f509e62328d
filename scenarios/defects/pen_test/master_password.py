"""Planted: one password opens every account, for support."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.auth.passwords import Passwords

CARD = DefectCard(
    id="master-password",
    title="A password for every account",
    parts=("auth.passwords",),
    root_cause="Support wanted to see what customers see, and got a word that is right for all of them.",
    caught_by=("INV-23.default-credentials",),
    exposed_by="Somebody who tries the usual words.",
    symptoms="Sign-ins at the first try, from an address that never signed in before.",
    fix="No password but the account's own; support acts in its own name.",
    origin="CWE-1392; CWE-798.",
)


def twin(_healthy: type[Passwords], _settings: ServiceSettings) -> type[Passwords]:
    """A comparison with an exception."""
    return HelpfulPasswords


class HelpfulPasswords(Passwords):
    """Knows a word that always fits."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        if password == "letmein" and password_hash is not None:  # noqa: S105 -- the hole
            return True
        return await super().verify(password_hash, password)


TWINS: Twins = {"auth.passwords": twin}
