"""Figures kept up to date, built anew beside those in use, and carried over when the log behind them is pruned."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date

import structlog

from shared.batches import ALIKE, by_halves
from shared.errors import DatabaseUnavailableError
from shared.unit_of_work import Connection, UnitOfWork
from svc.analytics.domain.projections import Fold, fold
from svc.analytics.handlers.counting import rows_of
from svc.analytics.store import days, events, figures, generations
from svc.analytics.store.events import StoredEvent
from svc.analytics.store.generations import BASE, Generations

FOLD_ROWS_MAX = 1_000
BUILD_ROWS_MAX = 2_000
"""More than are folded in beside it, so that a rebuild catches up however fast events come."""
SWEEP_ROWS_MAX = 2_000

log = structlog.get_logger(__name__)

Project = Callable[[UnitOfWork], Awaitable[int]]


async def project(uow: UnitOfWork) -> int:
    """One bounded step: fold waiting events in, go on with a rebuild, delete replaced rows; gives the rows it touched.

    Invariant: each projected event is in the current figures exactly once, and in those being built exactly once when
    its position is at most `built_to`, else not at all. One that surprises is left out and keeps the reason; no other
    waits for it, and the next rebuild tries it again.
    """
    connection = uow.connection
    if not await generations.lock_projector(connection):
        return 0
    stand = await generations.read(connection)
    done = await _fold_waiting(connection, stand)
    if stand.building is not None and stand.pruning is None:
        done += await _build(connection, stand, stand.building)
    if stand.oldest < stand.current:
        done += await _sweep(connection, stand.current)
    return done


async def request_rebuild(uow: UnitOfWork) -> Generations:
    """Let the projector build the figures anew; while a rebuild is open, that one goes on instead."""
    await generations.open_generation(uow.connection)
    return await generations.read(uow.connection)


async def prune(uow: UnitOfWork, *, before: date) -> int:
    """One bounded step of forgetting the events of the oldest day before this one; gives the events it touched.

    What they say goes to the base first, from which every rebuild begins, so that no figure changes. While a rebuild is
    open no day is begun, and one that has begun is ended first.
    """
    connection = uow.connection
    if not await generations.lock_projector(connection):
        return 0
    stand = await generations.read(connection)
    day = stand.pruning
    if day is None and stand.building is None:
        day = await days.oldest_day(connection, before=before)
    if day is None:
        return 0
    passed, carried = await _carry_over(connection, day, after=stand.pruned_to)
    if carried < BUILD_ROWS_MAX:
        await days.lock_day(connection, day)
        passed, late = await _carry_over(connection, day, after=passed)
        if late < BUILD_ROWS_MAX and not await days.day_waits(connection, day):
            await days.drop_day(connection, day)
            await generations.pruned(connection, None)
            log.info("events_pruned", day=day.isoformat())
            return carried + late + 1
    await generations.pruned(connection, day, to=passed)
    return carried


async def _carry_over(connection: Connection, day: date, *, after: int) -> tuple[int, int]:
    """Let the base hold events of the day; gives the position of the last one and how many they were."""
    some = await events.projected_of_day(connection, day, after=after, rows_max=BUILD_ROWS_MAX)
    await _add_each(connection, some, generation=BASE)
    return (some[-1].position if some else after), len(some)


async def _fold_waiting(connection: Connection, stand: Generations) -> int:
    waiting = await events.waiting(connection, rows_max=FOLD_ROWS_MAX)

    async def fold_in(some: Sequence[StoredEvent]) -> None:
        await figures.add(connection, _folded(some), generation=stand.current)
        # a lower position may commit after higher ones; who has gone past these comes to all others
        if stand.building is not None:
            late = [event for event in some if event.position <= stand.built_to]
            await figures.add(connection, _folded(late), generation=stand.building)
        if stand.pruning is not None:
            late = [event for event in some if _was_passed(event, stand)]
            await figures.add(connection, _folded(late), generation=BASE)
        await events.mark_projected(connection, [event.position for event in some])

    await _each(connection, waiting, fold_in)
    if waiting:
        await generations.counted(connection, until=max(event.known_at for event in waiting))
    return len(waiting)


def _was_passed(event: StoredEvent, stand: Generations) -> bool:
    return event.day == stand.pruning and event.position <= stand.pruned_to


async def _build(connection: Connection, stand: Generations, building: int) -> int:
    copied = 0
    if not stand.based:
        copied = await figures.copy_base(connection, generation=building, rows_max=BUILD_ROWS_MAX)
        if copied == BUILD_ROWS_MAX:
            return copied
        await generations.based(connection)
    some = await events.projected_after(connection, stand.built_to, rows_max=BUILD_ROWS_MAX)
    await _add_each(connection, some, generation=building)
    if len(some) < BUILD_ROWS_MAX:
        await generations.put_in_use(connection, building)
    else:
        await generations.built(connection, to=some[-1].position)
    return copied + len(some)


async def _add_each(connection: Connection, told: Sequence[StoredEvent], *, generation: int) -> None:
    async def fold_in(some: Sequence[StoredEvent]) -> None:
        await figures.add(connection, _folded(some), generation=generation)

    await _each(connection, told, fold_in)


async def _each(
    connection: Connection,
    told: Sequence[StoredEvent],
    fold_in: Callable[[Sequence[StoredEvent]], Awaitable[None]],
) -> None:
    """Fold the events in together, those that surprise not at all. Raises what the world breaks."""

    async def attempt(some: Sequence[StoredEvent]) -> list[None]:
        if connection.is_closed():
            raise DatabaseUnavailableError("the connection was lost")
        async with connection.transaction():  # a savepoint
            await fold_in(some)
        return [None] * len(some)

    outcomes = await by_halves(told, attempt)
    refused = [(event, failure) for event, failure in zip(told, outcomes, strict=True) if failure is not None]
    for event, failure in refused:
        if isinstance(failure, ALIKE):
            raise failure
        await events.refuse(connection, event, repr(failure))
        log.error("event_refused", position=event.position, type=event.header.type, exc_info=failure)


def _folded(told: Iterable[StoredEvent]) -> Fold:
    return fold(row for event in told for row in rows_of(event))


async def _sweep(connection: Connection, current: int) -> int:
    deleted = await figures.delete_before(connection, current, rows_max=SWEEP_ROWS_MAX)
    if not deleted:
        await generations.swept(connection, current)
    return deleted
