"""The work of analytics beside requests and events: figures, partitions, and reports by mail."""

from datetime import timedelta
from uuid import UUID

from shared.clock import Clock
from shared.database import Database
from shared.jobs_queue import JobGivenUpError, JobKind, JobQueue, JobWorker
from shared.periodic import Periodic
from svc.analytics import handlers
from svc.analytics.handlers import Project, scheduling
from svc.analytics.store import schedules

DAYS_AHEAD = 3
PARTITIONS_EVERY_S = 3_600.0
PRUNING_EVERY_S = 60.0
DUE_AT_ONCE_MAX = 200

MAIL_REPORT = JobKind(name="mail_report", timeout_s=60)
FIND_DUE_REPORTS = JobKind(name="find_due_reports", timeout_s=30)
EVERY_MINUTE = "* * * * *"


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


class ReportMails:
    """Asks for the mails of due reports: a job for each, found by the timetable every minute.

    The schedule's row is the truth: a job whose mail was asked for does nothing, and one that was lost is found again.
    """

    def __init__(self, database: Database, queue: JobQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def worker(self) -> JobWorker:
        """One report at a time."""
        return JobWorker(
            self._queue,
            {MAIL_REPORT: self.mail, FIND_DUE_REPORTS: self.find},
            at_once_max=1,
            crons={FIND_DUE_REPORTS: EVERY_MINUTE},
        )

    async def find(self) -> None:
        """Queue a job for every report that is due."""
        async with self._database.acquire() as connection:
            due = await schedules.due(connection, self._clock.now(), rows_max=DUE_AT_ONCE_MAX)
        for schedule_id in due:
            await self._queue.enqueue(MAIL_REPORT, str(schedule_id), schedule_id=str(schedule_id))

    async def mail(self, schedule_id: str) -> None:
        """The job: make one report and ask for its mail. Raises `JobGivenUpError` when it is not understood."""
        async with self._database.begin() as uow:
            refused = await scheduling.mail_report(uow, UUID(schedule_id), now=self._clock.now())
        if refused:
            raise JobGivenUpError(refused)
