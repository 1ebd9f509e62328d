"""Planted: nobody counts wrong passwords of one account."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import Attempt
from svc.auth.parts import BeginLogin
from svc.auth.settings import Settings
from svc.auth.store import attempts, users

CARD = DefectCard(
    id="guesses-uncounted",
    title="Passwords may be guessed for ever",
    parts=("auth.begin_login",),
    root_cause="Attempts are limited per address at the door, and per account nowhere.",
    caught_by=("INV-23.brute-force",),
    exposed_by="Guesses at one account from ever another address.",
    symptoms="A slow rise of failed sign-ins from everywhere, then one that succeeds.",
    fix="Count per account as well, and let the wait double.",
    origin="CWE-307; OWASP API2:2023; crAPI, one-time code guessed.",
)


def twin(_healthy: BeginLogin, _settings: ServiceSettings) -> BeginLogin:
    """An attempt that leaves no trace."""

    async def begin_login(uow: UnitOfWork, settings: Settings, *, email: str, address: str) -> Attempt:
        del settings
        credentials = await users.credentials(uow.connection, email)
        return Attempt(
            account=credentials.account if credentials else None,
            password_hash=credentials.password_hash if credentials else None,
            account_scope=attempts.account_scope(email, known_address=None),
            address_scope=attempts.address_scope(address),
            address=address,
        )

    return begin_login


TWINS: Twins = {"auth.begin_login": twin}
