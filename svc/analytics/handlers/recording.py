"""Every event kept, in the partition of its day."""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from typing import Any

from shared.clock import Clock
from shared.contracts import Envelope
from shared.unit_of_work import UnitOfWork
from svc.analytics.store import days, events

BELIEVED_DAYS = 7
"""How far back a partition that was once there is taken for granted; older ones may have been pruned meanwhile."""


class Recorder:
    """Keeps every event; `wake` is called after each commit, so that the figures follow at once."""

    def __init__(self, wake: Callable[[], None], clock: Clock) -> None:
        self._wake = wake
        self._clock = clock
        self._open: set[date] = set()

    async def record(self, uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        """Append the event to the store, whose partition is made where the event is the first of its day."""
        await self._open_day(uow, envelope.occurred_at.astimezone(UTC).date())
        await events.append(uow.connection, envelope)
        uow.after_commit(self._wake)

    async def _open_day(self, uow: UnitOfWork, day: date) -> None:
        recent = abs(self._clock.now().date() - day) <= timedelta(days=BELIEVED_DAYS)
        if day in self._open and recent:
            return
        await days.open_days(uow.connection, [day])
        uow.after_commit(lambda: self._open.add(day))


async def open_days(uow: UnitOfWork, *, first: date, count: int) -> None:
    """Make the partitions of so many days from the first one on; those that are there stay as they are."""
    await days.open_days(uow.connection, [first + timedelta(days=number) for number in range(count)])
