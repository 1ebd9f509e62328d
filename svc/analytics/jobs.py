"""Periodic work of the analytics service."""

from datetime import timedelta

from shared.clock import Clock
from shared.database import Database
from shared.periodic import Periodic
from svc.analytics import handlers
from svc.analytics.handlers import Project

DAYS_AHEAD = 3
PARTITIONS_EVERY_S = 3_600.0
PRUNING_EVERY_S = 60.0


def projector(database: Database, project: Project, *, every_s: float) -> Periodic:
    """Folds new events into the figures, a bounded step at a time, and does the rebuild somebody asked for."""

    async def step() -> int:
        async with database.begin() as uow:
            return await project(uow)

    return Periodic("project_events", every_s, step)


def partitioner(database: Database, clock: Clock) -> Periodic:
    """Makes the partitions of today and the days to come before their first event does."""

    async def look() -> int:
        async with database.begin() as uow:
            await handlers.open_days(uow, first=clock.now().date(), count=DAYS_AHEAD + 1)
        return 0

    return Periodic("open_event_days", PARTITIONS_EVERY_S, look)


def event_pruner(database: Database, clock: Clock, *, kept_days: int) -> Periodic:
    """Forgets the events of days longer ago than `kept_days`, a bounded step at a time."""

    async def step() -> int:
        async with database.begin() as uow:
            return await handlers.prune(uow, before=clock.now().date() - timedelta(days=kept_days))

    return Periodic("prune_events", PRUNING_EVERY_S, step)
