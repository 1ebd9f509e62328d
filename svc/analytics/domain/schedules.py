"""When a report is mailed, and what it is about then."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

SCHEDULE_DAYS = 90
"""Then it ends unless it is made anew, so that nobody gets figures by mail long after they left."""
MAILED_ROWS_MAX = 50
SCHEDULES_MAX = 20
"""Of one person."""


class Cadence(StrEnum):
    """Every day, every Monday, or on the first of every month."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def next_run(cadence: Cadence, *, hour: int, after: datetime) -> datetime:
    """The next moment at this hour (UTC); what was missed meanwhile is not caught up."""
    day = after.astimezone(UTC).date()
    while not (_is_due(cadence, day) and _at(day, hour) > after):
        day += timedelta(days=1)
    return _at(day, hour)


def mailed_period(due: datetime, *, days: int) -> tuple[date, date]:
    """The last `days` whole days before it is due."""
    last = due.astimezone(UTC).date() - timedelta(days=1)
    return last - timedelta(days=days - 1), last


def _is_due(cadence: Cadence, day: date) -> bool:
    return {Cadence.DAILY: True, Cadence.WEEKLY: day.weekday() == 0, Cadence.MONTHLY: day.day == 1}[cadence]


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)
