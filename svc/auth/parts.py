"""The replaceable parts of auth."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shared.service_parts import ServiceParts
from shared.unit_of_work import UnitOfWork
from svc.auth import handlers
from svc.auth.domain import Attempt, OpenedSession
from svc.auth.keys import KeyRing
from svc.auth.passwords import Passwords
from svc.auth.settings import Settings
from svc.auth.tokens import AccessTokens


class BeginLogin(Protocol):
    async def __call__(self, uow: UnitOfWork, settings: Settings, *, email: str, address: str) -> Attempt: ...


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    key_ring: type[KeyRing] = KeyRing
    """The keys that sign, and those that may have signed."""
    passwords: type[Passwords] = Passwords
    """Hashing and comparing off the event loop."""
    access_tokens: type[AccessTokens] = AccessTokens
    """What an access token claims, and for how long."""
    begin_login: BeginLogin = handlers.begin_login
    """An attempt counted before its password is looked at."""
    refresh: Callable[[UnitOfWork, str], Awaitable[OpenedSession | None]] = handlers.refresh
    """A refresh token exchanged for its only successor."""


HEALTHY = Parts()
