"""The use cases of reporting: keep an event, fold new ones in, build the projections anew beside those in use."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import structlog

from shared.batches import ALIKE, by_halves
from shared.contracts import Envelope, Event, decode_data
from shared.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderFact,
    OrderPaid,
    OrderRefunded,
    OrderShipped,
)
from shared.contracts.payments import PaymentProcessed, PaymentRefunded
from shared.errors import DatabaseUnavailableError
from shared.unit_of_work import Connection, UnitOfWork
from svc.analytics import store
from svc.analytics.domain import Fact, Fold, MoneyMoved, OrderReached, fold
from svc.analytics.store import Generations, StoredEvent

FOLD_ROWS_MAX = 1_000
BUILD_ROWS_MAX = 2_000
"""More than are folded in beside it, so that a rebuild catches up however fast events come."""
SWEEP_ROWS_MAX = 2_000

STATUS_OF: dict[type[Event], str] = {
    OrderCreated: "placed",
    OrderPaid: "paid",
    OrderShipped: "shipped",
    OrderCompleted: "completed",
    OrderRefunded: "refunded",
    OrderCancelled: "cancelled",
}
COUNTED: dict[str, type[Event]] = {event.type: event for event in (*STATUS_OF, PaymentProcessed, PaymentRefunded)}
"""The events that are facts for a projection; all others are only kept."""

log = structlog.get_logger(__name__)

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
    """One bounded step: fold waiting events in, go on with a rebuild, delete replaced rows; gives the rows it touched.

    Invariant: each projected event is in the current projections exactly once, and in those being built exactly once
    when its position is at most `built_to`, else not at all. One that surprises is left out and keeps the reason; no
    other waits for it, and the next rebuild tries it again.
    """
    connection = uow.connection
    if not await store.lock_projector(connection):
        return 0
    generations = await store.generations(connection)
    done = await _fold_waiting(connection, generations)
    if generations.building is not None:
        done += await _build(connection, generations.building, after=generations.built_to)
    if generations.oldest < generations.current:
        done += await _sweep(connection, generations.current)
    return done


async def request_rebuild(uow: UnitOfWork) -> Generations:
    """Let the projector build the projections anew; while a rebuild is open, that one goes on instead."""
    await store.open_generation(uow.connection)
    return await store.generations(uow.connection)


def fact_of(event: Envelope[Any]) -> Fact:
    """What the projections count of an event, one of COUNTED."""
    data = event.data
    if isinstance(data, OrderFact):
        return OrderReached(
            order_id=data.order_id,
            status=STATUS_OF[type(data)],
            total_minor=data.total_minor,
            currency=data.currency,
            placed_at=data.placed_at if isinstance(data, OrderCreated) else None,
        )
    assert isinstance(data, PaymentProcessed | PaymentRefunded)
    captured = isinstance(data, PaymentProcessed)
    return MoneyMoved(
        order_id=data.order_id,
        currency=data.currency,
        moved_at=event.occurred_at,
        captures=int(captured),
        paid_minor=data.amount_minor if captured else 0,
        refunded_minor=0 if captured else data.amount_minor,
    )


def _folded(events: Iterable[StoredEvent]) -> Fold:
    return fold(
        fact_of(decode_data(event.header, COUNTED[event.header.type]))
        for event in events
        if event.header.type in COUNTED
    )


async def _fold_waiting(connection: Connection, generations: Generations) -> int:
    waiting = await store.waiting(connection, rows_max=FOLD_ROWS_MAX)

    async def fold_in(events: Sequence[StoredEvent]) -> None:
        await store.apply(connection, _folded(events), generation=generations.current)
        if generations.building is not None:
            # a lower position may commit after higher ones; the rebuild has gone past these and comes to all others
            late = [event for event in events if event.position <= generations.built_to]
            await store.apply(connection, _folded(late), generation=generations.building)
        await store.mark_projected(connection, [event.position for event in events])

    await _each(connection, waiting, fold_in)
    return len(waiting)


async def _build(connection: Connection, building: int, *, after: int) -> int:
    events = await store.projected_after(connection, after, rows_max=BUILD_ROWS_MAX)

    async def fold_in(some: Sequence[StoredEvent]) -> None:
        await store.apply(connection, _folded(some), generation=building)

    await _each(connection, events, fold_in)
    if len(events) < BUILD_ROWS_MAX:
        await store.put_in_use(connection, building)
    else:
        await store.built(connection, to=events[-1].position)
    return len(events)


async def _each(
    connection: Connection,
    events: Sequence[StoredEvent],
    fold_in: Callable[[Sequence[StoredEvent]], Awaitable[None]],
) -> None:
    """Fold the events in together, those that surprise not at all. Raises what the world breaks."""

    async def attempt(some: Sequence[StoredEvent]) -> list[None]:
        if connection.is_closed():
            raise DatabaseUnavailableError("the connection was lost")
        async with connection.transaction():  # a savepoint
            await fold_in(some)
        return [None] * len(some)

    outcomes = await by_halves(events, attempt)
    refused = [(event, failure) for event, failure in zip(events, outcomes, strict=True) if failure is not None]
    for event, failure in refused:
        if isinstance(failure, ALIKE):
            raise failure
        await store.refuse(connection, event.position, repr(failure))
        log.error("event_refused", position=event.position, type=event.header.type, exc_info=failure)


async def _sweep(connection: Connection, current: int) -> int:
    deleted = await store.delete_before(connection, current, rows_max=SWEEP_ROWS_MAX)
    if not deleted:
        await store.swept(connection, current)
    return deleted
