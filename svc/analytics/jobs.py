"""Periodic work of the analytics service."""

from shared.database import Database
from shared.jobs_queue import Periodic
from svc.analytics import handlers


def projector(database: Database, *, every_s: float) -> Periodic:
    """Folds new events into the projections."""

    async def project() -> int:
        async with database.begin() as uow:
            return await handlers.project(uow)

    return Periodic("project_events", every_s, project)
