"""Reports mailed by a timetable: wanted, given up, and made when they are due.

A mail is asked for by an event in the transaction that moves the schedule on, so that each is asked for once; the
notifications service sends it.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from shared.contracts.analytics import ReportReady
from shared.csv_lines import Cell
from shared.errors import Kind, Refusal
from shared.identity import Principal
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.analytics.domain.definitions import understood
from svc.analytics.domain.schedules import (
    MAILED_ROWS_MAX,
    SCHEDULE_DAYS,
    SCHEDULES_MAX,
    Cadence,
    mailed_period,
    next_run,
)
from svc.analytics.handlers.saving import saved_report
from svc.analytics.store import querying, saved, schedules
from svc.analytics.store.schedules import Schedule

log = structlog.get_logger(__name__)


class NoAddress(Refusal):
    code = "no_address"


class ScheduleExists(Refusal):
    code = "schedule_exists"
    kind = Kind.CONFLICT


class ScheduleNotFound(Refusal):
    code = "schedule_not_found"
    kind = Kind.NOT_FOUND


class TooManySchedules(Refusal):
    code = "too_many_schedules"


async def schedule_report(
    uow: UnitOfWork, report_id: UUID, principal: Principal, *, cadence: Cadence, hour: int, days: int, now: datetime
) -> Schedule:
    """Have a report mailed to the caller's own address, and to no other, until the schedule ends.

    Raises `ReportNotFound`, `NoAddress`, `ScheduleExists`, `TooManySchedules`.
    """
    if principal.email is None:
        raise NoAddress("your account has no address to mail to")
    await saved_report(uow.connection, report_id)
    if await schedules.lock_owner(uow.connection, principal.person_id) >= SCHEDULES_MAX:
        raise TooManySchedules(f"at most {SCHEDULES_MAX} for one person", schedules_max=SCHEDULES_MAX)
    wanted = Schedule(
        id=new_id(),
        report_id=report_id,
        owner_id=principal.person_id,
        email=principal.email,
        cadence=cadence,
        hour=hour,
        days=days,
        next_at=next_run(cadence, hour=hour, after=now),
        ends_at=now + timedelta(days=SCHEDULE_DAYS),
    )
    if not await schedules.insert(uow.connection, wanted):
        raise ScheduleExists("you have this report mailed at that time already")
    return wanted


async def end_schedule(uow: UnitOfWork, schedule_id: UUID, owner_id: UUID) -> None:
    """Mail it no more. Raises `ScheduleNotFound`."""
    if not await schedules.delete(uow.connection, schedule_id, owner_id):
        raise ScheduleNotFound("there is no such schedule")


async def mail_report(uow: UnitOfWork, schedule_id: UUID, *, now: datetime) -> str | None:
    """Make the report that is due and ask for its mail; nothing when it is not due any more.

    Gives why not, when its definition is not understood any more; it is due again another time.
    """
    schedule = await schedules.lock_due(uow.connection, schedule_id, now)
    if schedule is None:
        return None
    later = next_run(schedule.cadence, hour=schedule.hour, after=now)
    try:
        await _publish(uow, schedule)
    except Refusal as refusal:
        await schedules.move_on(uow.connection, schedule.id, to=later, error=str(refusal))
        log.warning("report_not_mailed", schedule=str(schedule.id), reason=str(refusal))
        return str(refusal)
    await schedules.move_on(uow.connection, schedule.id, to=later)
    return None


async def _publish(uow: UnitOfWork, schedule: Schedule) -> None:
    report = await saved.find(uow.connection, schedule.report_id)
    assert report is not None, "deleting a report deletes its schedules"
    query = understood(report.definition)
    since, until = mailed_period(schedule.next_at, days=schedule.days)
    asked = querying.statement(query, since=since, until=until, rows_max=MAILED_ROWS_MAX + 1)
    rows = await querying.rows(uow.connection, query, asked)
    ready = ReportReady(
        schedule_id=schedule.id,
        owner_id=schedule.owner_id,
        email=schedule.email,
        title=report.name,
        since=since,
        until=until,
        columns=query.names,
        rows=[[_text(cell) for cell in row] for row in rows[:MAILED_ROWS_MAX]],
        more=len(rows) > MAILED_ROWS_MAX,
    )
    uow.publish(ready, aggregate_id=schedule.id, aggregate_version=schedule.sent + 1)


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
