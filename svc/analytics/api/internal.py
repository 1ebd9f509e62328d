"""The rebuild of the figures, for operators."""

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency

from shared.database import Database
from shared.identity import requires_role
from shared.periodic import Periodic
from shared.unit_of_work import Connection
from svc.analytics import handlers
from svc.analytics.store import events, generations


class ProjectionsView(msgspec.Struct, frozen=True):
    """`building` is the generation of figures that a rebuild fills; it has read the events up to `built_to`.

    `refused` events are in no figures: each surprised, the log says how, and a rebuild tries them again.
    """

    current: int
    building: int | None
    built_to: int
    newest_event: int
    refused: int


class InternalController(Controller):
    path = "/internal/projections"
    tags = ("internal",)
    guards = (requires_role("service"),)

    @get("/")
    async def stand(self, database: NamedDependency[Database]) -> ProjectionsView:
        """Which figures are shown, and how far a rebuild is."""
        async with database.acquire() as connection:
            return await _view(connection, await generations.read(connection))

    @post("/rebuild", status_code=202)
    async def rebuild(
        self, database: NamedDependency[Database], project_job: NamedDependency[Periodic]
    ) -> ProjectionsView:
        """Fold the whole event store in anew; the figures in use are shown, and kept up to date, until it is done.

        While a rebuild is open, that one goes on instead.
        """
        async with database.begin() as uow:
            begun = await handlers.request_rebuild(uow)
            view = await _view(uow.connection, begun)
        project_job.wake()
        return view


async def _view(connection: Connection, stand: generations.Generations) -> ProjectionsView:
    return ProjectionsView(
        stand.current,
        stand.building,
        stand.built_to,
        await events.newest_position(connection),
        await events.refused_count(connection),
    )
