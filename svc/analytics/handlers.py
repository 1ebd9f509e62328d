"""The use cases of reporting: keep an event, fold new ones in, start over."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.contracts import Envelope
from shared.unit_of_work import UnitOfWork
from svc.analytics import store
from svc.analytics.domain import fold

FOLD_ROWS_MAX = 1_000

Project = Callable[[UnitOfWork], Awaitable[int]]


class Recorder:
    """Keeps every event; `wake` is called after each commit, so that the projections follow at once."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def record(self, uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        """Append the event to the store."""
        await store.append(uow.connection, envelope)
        uow.after_commit(self._wake)


async def project(uow: UnitOfWork) -> int:
    """Fold the events that wait into the projections; gives their number.

    Invariant: each event of the store is in the projections exactly once.
    """
    if not await store.lock_projector(uow.connection):
        return 0
    waiting = await store.unprojected(uow.connection, rows_max=FOLD_ROWS_MAX)
    if waiting:
        await store.apply(uow.connection, fold(waiting), positions=[event.position for event in waiting])
    return len(waiting)


async def rebuild(uow: UnitOfWork, project: Project) -> None:
    """Empty the projections and fold the whole store in again; the result equals what was there."""
    await store.forget_projections(uow.connection)
    while await project(uow):
        pass
