"""When goods are promised to be there: working days from the next hand-over on. Pure."""

from datetime import date, datetime, timedelta

FRIDAY = 4
"""`date.weekday`; nobody hands over or delivers after it."""


CUTOFF_HOUR = 15
"""UTC; what is ordered later is handed over the next working day."""


def deliver_by(now: datetime, *, days_max: int) -> date:
    """The day by which goods ordered now (UTC) are promised to be there."""
    day = now.date() if now.hour < CUTOFF_HOUR else now.date() + timedelta(days=1)
    while day.weekday() > FRIDAY:
        day += timedelta(days=1)
    missing = days_max
    while missing:
        day += timedelta(days=1)
        missing -= day.weekday() <= FRIDAY
    return day
