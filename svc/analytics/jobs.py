"""Periodic work of the analytics service."""

from shared.database import Database
from shared.periodic import Periodic
from svc.analytics.handlers import Project


def projector(database: Database, project: Project, *, every_s: float) -> Periodic:
    """Folds new events into the projections, a bounded step at a time, and does the rebuild somebody asked for."""

    async def step() -> int:
        async with database.begin() as uow:
            return await project(uow)

    return Periodic("project_events", every_s, step)
