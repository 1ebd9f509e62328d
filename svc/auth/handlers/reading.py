"""What auth knows of a person, for that person; and the audit log, for admins."""

from uuid import UUID

from shared.unit_of_work import OrmUnitOfWork, UnitOfWork
from svc.auth.domain import ApiKeyView, SecurityEvent, SessionView
from svc.auth.handlers.editing import show_user
from svc.auth.handlers.second_factor import has_second_factor
from svc.auth.store import api_keys, attempts, security_events, sessions
from svc.auth.store.models import User

EXPORTED_EVENTS_MAX = 1_000

Known = tuple[User, bool, list[SessionView], list[ApiKeyView], list[str], list[SecurityEvent]]


async def known_of(uow: OrmUnitOfWork, user_id: UUID) -> Known:
    """Account, whether a second factor is on, sessions, keys, usual addresses, latest security events.

    Raises `UnknownUser`.
    """
    connection = uow.connection
    user = await show_user(uow, user_id)
    second_factor = await has_second_factor(uow, user_id)
    return (
        user,
        second_factor,
        await sessions.list_alive(connection, user_id),
        await api_keys.list_live(connection, user_id),
        await attempts.known_addresses(connection, user_id),
        await security_events.page(connection, subject=str(user_id), rows_max=EXPORTED_EVENTS_MAX),
    )


async def audit_log(
    uow: UnitOfWork, *, kind: str | None, subject: str | None, before: int | None, rows_max: int
) -> list[SecurityEvent]:
    """The newest first."""
    return await security_events.page(uow.connection, kind=kind, subject=subject, before=before, rows_max=rows_max)
