"""The rebuild of the index, and documents nobody tries to index any more, for the operator."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from shared.database import Database
from shared.identity import requires_role
from svc.search import handlers, store
from svc.search.domain import UnknownBuild
from svc.search.store.builds import Build
from svc.search.store.documents import Halted

HALTED_LISTED_MAX = 100
QueueRebuild = Callable[[UUID], Awaitable[None]]
"""Queues the job of a stored build."""
SERVICES = (requires_role("service", "admin", "operator"),)


class BuildView(msgspec.Struct, frozen=True, kw_only=True):
    """A rebuild of the index; `documents` counts those written so far, `expected` about how many there will be."""

    id: UUID
    status: str
    index_name: str | None
    documents: int
    expected: int
    reason: str | None
    requested_at: datetime
    ended_at: datetime | None


class HaltedAnswer(msgspec.Struct, frozen=True):
    items: list[Halted]


@post("/internal/reindex", status_code=202, guards=SERVICES, tags=["internal"])
async def reindex(
    database: NamedDependency[Database], queue_rebuild: NamedDependency[SkipValidation[QueueRebuild]]
) -> BuildView:
    """Rebuild the index from the catalog beside the one in use; while a rebuild is open, that one is given."""
    async with database.begin() as uow:
        build = await handlers.request_rebuild(uow)
    await queue_rebuild(build.id)
    return _build_view(build)


@get("/internal/reindex", guards=SERVICES, tags=["internal"])
async def show_reindex(database: NamedDependency[Database]) -> BuildView:
    """The newest rebuild and how far it is."""
    async with database.acquire() as connection:
        build = await store.builds.latest_build(connection)
    if build is None:
        raise UnknownBuild("nobody asked for a rebuild yet")
    return _build_view(build)


@get("/internal/documents/halted", guards=SERVICES, tags=["internal"])
async def show_halted(database: NamedDependency[Database]) -> HaltedAnswer:
    """Documents nobody tries to index any more, the newest first; a rebuild tries them again."""
    async with database.acquire() as connection:
        return HaltedAnswer(await store.documents.halted(connection, rows_max=HALTED_LISTED_MAX))


def _build_view(build: Build) -> BuildView:
    return BuildView(
        id=build.id,
        status=build.status,
        index_name=build.index_name,
        documents=build.documents,
        expected=build.expected,
        reason=build.reason,
        requested_at=build.requested_at,
        ended_at=build.ended_at,
    )
