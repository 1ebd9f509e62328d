"""Planted: a sign-in says whether there is such an account."""

from scenarios.defects.card import DefectCard, Twins
from shared.errors import Kind, Refusal
from shared.settings import ServiceSettings
from svc.auth.passwords import Passwords

CARD = DefectCard(
    id="accounts-told",
    title="A sign-in tells who has an account",
    parts=("auth.passwords",),
    root_cause="An unknown address is refused with words of its own, to be friendly.",
    caught_by=("INV-23.account-enumeration",),
    exposed_by="A list of addresses, each tried once.",
    symptoms="Customers get mails that use what only their being customers tells.",
    fix="The same answer and the same work, whether or not there is an account.",
    origin="CWE-204; VAmPI, user and password enumeration.",
)


def twin(_healthy: type[Passwords], _settings: ServiceSettings) -> type[Passwords]:
    """A comparison that talks."""
    return TalkativePasswords


class NoSuchAccount(Refusal):
    code = "no_such_account"
    kind = Kind.NOT_FOUND


class TalkativePasswords(Passwords):
    """Says so when there is nothing to compare with."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is None:
            raise NoSuchAccount("there is no account of this address")
        return await super().verify(password_hash, password)


TWINS: Twins = {"auth.passwords": twin}
