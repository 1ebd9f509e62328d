"""Planted: a refresh token works as often as it is shown."""

from collections.abc import Awaitable, Callable

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.auth.domain import OpenedSession
from svc.auth.store import sessions

CARD = DefectCard(
    id="refresh-without-end",
    title="A refresh token works twice",
    parts=("auth.refresh",),
    root_cause="The exchange gives a new token and leaves the old one as it was.",
    caught_by=("INV-23.refresh-reuse",),
    exposed_by="Two holders of one refresh token: the owner and a thief.",
    symptoms="One session from two cities at once, for weeks.",
    fix="One successor per token; showing a used one ends the session.",
    origin="RFC 9700, section 4.14.2.",
)


def twin(
    _healthy: Callable[[UnitOfWork, str], Awaitable[OpenedSession | None]], _settings: ServiceSettings
) -> Callable[[UnitOfWork, str], Awaitable[OpenedSession | None]]:
    """An exchange that takes nothing."""

    async def refresh(uow: UnitOfWork, token: str) -> OpenedSession | None:
        presented = await sessions.present(uow.connection, token)
        if presented is None or not presented.alive:
            return None
        return OpenedSession(presented.session_id, presented.account, token)

    return refresh


TWINS: Twins = {"auth.refresh": twin}
