"""One transaction and what must happen with it: events written inside, callbacks run after the commit.

Handlers receive a unit of work and never commit; the edge that opened it does.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts import Envelope, Event, encode
from shared.errors import Kind, Refusal
from shared.ids import new_id
from shared.tracing import current_traceparent

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""A plain connection or one borrowed from the pool; both speak the same calls."""

LastStep = Callable[[Connection, list[Any]], Awaitable[None]]
"""What runs just before a commit, with all the items that were queued for it."""

EVENTS_MAX = 2_000
"""A transaction that publishes more than this is a bug."""

EVENT_BYTES_MAX = 900_000
"""Of an event with its envelope; the broker takes a little more, and one that it refused would hold up all others."""

_INSERT_OUTBOX = """
    INSERT INTO outbox (id, topic, type, aggregate_id, aggregate_version, payload)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
"""


class EventTooLarge(Refusal):
    """What happened is too much for one message, so that nothing of it may happen."""

    code = "event_too_large"
    kind = Kind.UNPROCESSABLE


class UnitOfWork:
    """An open transaction; `connection` runs statements inside it.

    Invariant: an event is stored if and only if the state change beside it is.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._events: list[tuple[UUID, str, str, str, int, str]] = []
        self._callbacks: list[Callable[[], None]] = []
        self._last_steps: dict[LastStep, list[Any]] = {}

    def publish(
        self,
        event: Event,
        *,
        aggregate_id: str | UUID,
        aggregate_version: int,
        occurred_at: datetime | None = None,
    ) -> UUID:
        """Queue an event for the outbox of this transaction; returns the event's id. Raises `EventTooLarge`."""
        assert len(self._events) < EVENTS_MAX, "too many events in one transaction"
        envelope = Envelope(
            id=new_id(),
            type=event.type,
            version=event.schema_version,
            aggregate_id=str(aggregate_id),
            aggregate_version=aggregate_version,
            occurred_at=occurred_at or datetime.now(UTC),
            traceparent=current_traceparent(),
            data=event,
        )
        payload = encode(envelope)
        if len(payload) > EVENT_BYTES_MAX:
            raise EventTooLarge(f"a {event.type} of {len(payload)} bytes", bytes_max=EVENT_BYTES_MAX)
        self._events.append(
            (
                envelope.id,
                event.topic.name,
                envelope.type,
                envelope.aggregate_id,
                aggregate_version,
                payload.decode(),
            )
        )
        return envelope.id

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction is durable; never called when it is undone."""
        self._callbacks.append(callback)

    def before_commit(self, step: LastStep, item: Any) -> None:
        """Let `step` run once at the end of the transaction, with every item it was given.

        What many must lock is changed there, in one order for all of the transaction.
        """
        self._last_steps.setdefault(step, []).append(item)

    async def flush(self) -> None:
        """Run the last steps and write the queued events; the edge calls this just before it commits."""
        steps, self._last_steps = self._last_steps, {}
        for step, items in steps.items():
            await step(self.connection, items)
        if not self._events:
            return
        events, self._events = self._events, []
        await self.connection.execute(_INSERT_OUTBOX, *(list(column) for column in zip(*events, strict=True)))

    def committed(self) -> None:
        """Run the callbacks; the edge calls this after the commit."""
        for callback in self._callbacks:
            callback()


class OrmUnitOfWork(UnitOfWork):
    """A unit of work that also carries a SQLAlchemy session on the same transaction."""

    def __init__(self, connection: Connection, session: AsyncSession) -> None:
        super().__init__(connection)
        self.session = session
