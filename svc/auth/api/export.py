"""What one may take along of one's account, and the audit log for admins."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import CURSOR_LENGTH_MAX, Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import STORABLE
from svc.auth import handlers
from svc.auth.api.accounts import Profile, profile_of
from svc.auth.api.caller import requires_user, user_id_of
from svc.auth.domain import ApiKeyView, SecurityEvent, SessionView

ORDER = "security_events.id desc"
ELSEWHERE = ["/api/v1/orders", "/api/v1/payments", "/api/v1/shipments", "/api/v1/notifications"]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """All that auth knows; `elsewhere` are the lists of what other services know."""

    exported_at: datetime
    profile: Profile
    second_factor: bool
    sessions: list[SessionView]
    api_keys: list[ApiKeyView]
    usual_addresses: list[str]
    security_events: list[SecurityEvent]
    elsewhere: list[str]


class ExportController(Controller):
    path = "/api/v1/auth"
    tags = ("account",)

    @get("/me/export", guards=(requires_user,))
    async def export_me(
        self, principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> Response[Export]:
        """Take along what is known of one's account; of the security events the latest thousand."""
        async with database.begin_orm() as uow:
            user, has_second_factor, sessions, api_keys, addresses, events = await handlers.known_of(
                uow, user_id_of(principal)
            )
        export = Export(
            exported_at=datetime.now(UTC),
            profile=profile_of(user),
            second_factor=has_second_factor,
            sessions=sessions,
            api_keys=api_keys,
            usual_addresses=addresses,
            security_events=events,
            elsewhere=ELSEWHERE,
        )
        disposition = 'attachment; filename="shopstream-account.json"'
        return Response(export, headers={"Cache-Control": "no-store", "Content-Disposition": disposition})

    @get("/security-events", guards=(requires_role("admin"),))
    async def list_security_events(
        self,
        database: NamedDependency[Database],
        kind: Annotated[str | None, QueryParameter(max_length=64, pattern=STORABLE, required=False)] = None,
        subject: Annotated[str | None, QueryParameter(max_length=200, pattern=STORABLE, required=False)] = None,
        limit: PageLimit = None,
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)] = None,
    ) -> Page[SecurityEvent]:
        """The audit log, newest first; `subject` is a user id, an operator's name or the digest of an account."""
        size = page_size(limit)
        before = decode_cursor(cursor, ORDER, tuple[int])[0] if cursor else None
        async with database.begin() as uow:
            rows = await handlers.audit_log(uow, kind=kind, subject=subject, before=before, rows_max=size + 1)
        return make_page(rows, size, order=ORDER, key=lambda event: (event.id,))
