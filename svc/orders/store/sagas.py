"""The table of sagas. Each change is conditional on the step it leaves, so that only one of several movers wins."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec

from shared import idempotency
from shared.idempotency import LEASE_S, Answer
from shared.unit_of_work import Connection
from svc.orders.domain.draft import Draft, encode_draft
from svc.orders.domain.saga import Saga, SagaStatus, Step

BEFORE_ALL = (datetime(1900, 1, 1, tzinfo=UTC), UUID(int=0))
"""The place in the list of stuck sagas before its first."""

_BEGIN = f"""
    WITH claimed AS ({idempotency.CLAIM})
    INSERT INTO sagas (order_id, customer_id, scope, key, step, status, deadline_at, due_at, draft, traceparent)
    SELECT $5, $6, $1, $2, 'reserving', 'running', at + make_interval(secs => $7), at + make_interval(secs => $8), $9,
           $10
    FROM claimed
    ON CONFLICT (order_id) DO NOTHING
    RETURNING 1
"""  # noqa: S608 constants
_STORY = """
    SELECT s.*,
        (SELECT coalesce(jsonb_agg(to_jsonb(one) ORDER BY one.id), '[]') FROM saga_steps AS one
            WHERE one.order_id = s.order_id) AS steps,
        (SELECT coalesce(jsonb_agg(to_jsonb(one) ORDER BY one.id), '[]') FROM saga_attempts AS one
            WHERE one.order_id = s.order_id) AS tries
    FROM sagas AS s WHERE s.order_id = $1
"""
# the buyer's own request is attempt 1: with more, the resolver is at the saga too, and may be about to hold the stock
_REFUSE = f"""
    WITH ended AS (
        UPDATE sagas SET status = 'refused', ended_at = clock_timestamp(), lease_until = NULL, draft = '', detail = $2
        WHERE order_id = $1 AND step = 'reserving' AND status = 'running' AND attempts = 1
        RETURNING scope, key
    )
    {idempotency.completing("ended", status="$3", body="$4")}
"""  # noqa: S608 constants
_GIVE_UP = f"""
    WITH moved AS (
        UPDATE sagas SET step = 'releasing', step_at = clock_timestamp(), attempts = 0, lease_until = NULL, draft = '',
            deadline_at = clock_timestamp() + make_interval(secs => $5), due_at = clock_timestamp(), detail = $2
        WHERE order_id = $1 AND step = 'reserving' AND status = 'running'
        RETURNING scope, key
    )
    {idempotency.completing("moved", status="$3", body="$4")}
"""  # noqa: S608 constants
_FORGET = f"""
    WITH ended AS (
        DELETE FROM sagas WHERE order_id = $1 AND step = 'reserving' AND status = 'running' AND attempts = 1
        RETURNING scope, key
    )
    {idempotency.giving_up("ended")}
"""  # noqa: S608 constants
_COLUMNS = "order_id, step, status, attempts, deadline_at, started_at, draft, traceparent, stock_settled, money_settled"
_CLAIM_DUE = f"""
    UPDATE sagas SET lease_until = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1
    WHERE order_id IN (
        SELECT order_id FROM sagas
        WHERE status = 'running' AND due_at <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {_COLUMNS}, deadline_at <= clock_timestamp() AS overdue
"""  # noqa: S608 constants
_COMPENSATE = """
    UPDATE sagas SET step = 'compensating', status = 'running', step_at = clock_timestamp(), attempts = 0,
        ended_at = NULL, lease_until = NULL, stock_settled = $2, money_settled = $3, detail = $4,
        deadline_at = clock_timestamp() + make_interval(secs => $5),
        due_at = clock_timestamp() + make_interval(secs => $6)
    WHERE order_id = $1 AND step <> 'compensating'
"""
_SETTLE = """
    UPDATE sagas SET stock_settled = stock_settled OR $2, money_settled = money_settled OR $3,
        status = CASE WHEN (stock_settled OR $2) AND (money_settled OR $3) THEN 'compensated' ELSE status END,
        ended_at = CASE WHEN (stock_settled OR $2) AND (money_settled OR $3) THEN clock_timestamp() ELSE ended_at END,
        lease_until = NULL
    WHERE order_id = $1 AND step = 'compensating' AND status IN ('running', 'failed')
"""


class DueSaga(msgspec.Struct, frozen=True):
    """A saga claimed by this resolver until its lease runs out; `overdue` when its step's time is over."""

    saga: Saga
    overdue: bool


class SagaStep(msgspec.Struct, frozen=True):
    """A step that a saga left."""

    step: str
    outcome: str
    attempts: int
    detail: str
    entered_at: datetime
    left_at: datetime


class SagaAttempt(msgspec.Struct, frozen=True):
    """What one try of a step came to."""

    step: str
    number: int
    outcome: str
    at: datetime


class SagaView(msgspec.Struct, frozen=True, kw_only=True):
    """A saga for people."""

    order_id: UUID
    step: str
    status: str
    attempts: int
    detail: str
    step_at: datetime
    deadline_at: datetime
    due_at: datetime
    started_at: datetime
    ended_at: datetime | None
    stock_settled: bool
    money_settled: bool


class SagaStory(msgspec.Struct, frozen=True, kw_only=True):
    """A saga with all it left behind."""

    saga: SagaView
    traceparent: str | None
    steps: list[SagaStep]
    attempts: list[SagaAttempt]


async def begin(
    connection: Connection,
    draft: Draft,
    *,
    fingerprint: bytes,
    deadline_s: float,
    due_s: float,
    traceparent: str | None,
) -> bool:
    """Claim the key and begin the saga in one statement; False when either was there before.

    Joined because every buyer pays for each round trip.
    """
    return bool(
        await connection.fetchval(
            _BEGIN,
            draft.scope,
            draft.key,
            fingerprint,
            LEASE_S,
            draft.order_id,
            draft.customer_id,
            deadline_s,
            due_s,
            encode_draft(draft),
            traceparent,
        )
    )


async def refuse(connection: Connection, order_id: UUID, *, detail: str, answer: Answer) -> bool:
    """End a saga that holds nothing and store the answer; False when it had moved on or the resolver is at it."""
    return bool(await connection.fetchval(_REFUSE, order_id, detail, answer.status, answer.body))


async def give_up(connection: Connection, order_id: UUID, *, detail: str, answer: Answer, deadline_s: float) -> bool:
    """Store the refusal now and give back later what may be held; False when the saga had moved on."""
    return bool(await connection.fetchval(_GIVE_UP, order_id, detail, answer.status, answer.body, deadline_s))


async def forget(connection: Connection, order_id: UUID) -> bool:
    """Undo `begin` when certainly nothing happened, so that the same key may be used again.

    False when that is not certain, because the resolver is at the saga.
    """
    return bool(await connection.fetchval(_FORGET, order_id))


async def end_released(connection: Connection, order_id: UUID) -> None:
    """The hold of a given-up saga is back, or was never there."""
    await connection.execute(
        "UPDATE sagas SET status = 'refused', ended_at = clock_timestamp(), lease_until = NULL "
        "WHERE order_id = $1 AND step = 'releasing' AND status = 'running'",
        order_id,
    )


async def look_again(connection: Connection, order_id: UUID, *, step: Step, after_s: float) -> None:
    """Let the resolver look at a running saga of this step after so many seconds."""
    await connection.execute(
        "UPDATE sagas SET due_at = clock_timestamp() + make_interval(secs => $3), lease_until = NULL "
        "WHERE order_id = $1 AND step = $2 AND status = 'running'",
        order_id,
        step.value,
        after_s,
    )


async def complete_paid(connection: Connection, order_id: UUID) -> None:
    """The order is paid: from here on it only goes forward."""
    await connection.execute(
        "UPDATE sagas SET step = 'paid', status = 'completed', step_at = clock_timestamp(), "
        "ended_at = clock_timestamp(), lease_until = NULL, detail = '' "
        "WHERE order_id = $1 AND step = 'paying' AND status = 'running'",
        order_id,
    )


async def withhold(connection: Connection, order_id: UUID, *, detail: str, deadline_s: float) -> None:
    """A paid order is to be undone: shipping is asked to keep its goods, at once and until it answers."""
    await connection.execute(
        "UPDATE sagas SET step = 'withholding', status = 'running', step_at = clock_timestamp(), attempts = 0, "
        "ended_at = NULL, lease_until = NULL, detail = $2, due_at = clock_timestamp(), "
        "deadline_at = clock_timestamp() + make_interval(secs => $3) WHERE order_id = $1",
        order_id,
        detail,
        deadline_s,
    )


async def end_withholding(connection: Connection, order_id: UUID) -> None:
    """The carrier has the goods: the order goes on as a paid one."""
    await connection.execute(
        "UPDATE sagas SET step = 'paid', status = 'completed', step_at = clock_timestamp(), "
        "ended_at = clock_timestamp(), lease_until = NULL WHERE order_id = $1 AND step = 'withholding'",
        order_id,
    )


async def compensate(
    connection: Connection,
    order_id: UUID,
    *,
    stock_settled: bool,
    money_settled: bool,
    detail: str,
    deadline_s: float,
    due_s: float,
) -> None:
    """The order is off: wait until stock and money are undone. A completed saga runs again."""
    await connection.execute(_COMPENSATE, order_id, stock_settled, money_settled, detail, deadline_s, due_s)
    if stock_settled and money_settled:
        await settle(connection, order_id, stock=True, money=True)


async def settle(connection: Connection, order_id: UUID, *, stock: bool = False, money: bool = False) -> None:
    """A fact says that stock or money is undone; with both the saga ends as compensated."""
    await connection.execute(_SETTLE, order_id, stock, money)


async def fail(connection: Connection, order_id: UUID, *, detail: str) -> None:
    """Compensation took too long; people must look. Late facts still end it as compensated."""
    await connection.execute(
        "UPDATE sagas SET status = 'failed', ended_at = clock_timestamp(), lease_until = NULL, detail = $2 "
        "WHERE order_id = $1 AND step = 'compensating' AND status = 'running'",
        order_id,
        detail,
    )


async def claim_due(connection: Connection, *, rows_max: int, lease_s: float) -> list[DueSaga]:
    """Sagas whose time has come and that nobody else is at, leased to the caller."""
    rows = await connection.fetch(_CLAIM_DUE, rows_max, lease_s)
    return [DueSaga(_saga(row), row["overdue"]) for row in rows]


async def note_attempt(connection: Connection, saga: Saga, outcome: str) -> None:
    """Keep what one try of a step came to."""
    await connection.execute(
        "INSERT INTO saga_attempts (order_id, step, number, outcome) VALUES ($1, $2, $3, $4)",
        saga.order_id,
        saga.step.value,
        saga.attempts,
        outcome,
    )


async def find(connection: Connection, order_id: UUID) -> SagaView | None:
    row = await connection.fetchrow("SELECT * FROM sagas WHERE order_id = $1", order_id)
    return _view(row) if row is not None else None


async def story(connection: Connection, order_id: UUID) -> SagaStory | None:
    """An order's saga, its steps and its attempts in their order; one statement."""
    row = await connection.fetchrow(_STORY, order_id)
    if row is None:
        return None
    return SagaStory(
        saga=_view(row),
        traceparent=row["traceparent"],
        steps=msgspec.convert(row["steps"], list[SagaStep]),
        attempts=msgspec.convert(row["tries"], list[SagaAttempt]),
    )


async def stuck(connection: Connection, *, after: tuple[datetime, UUID], rows_max: int) -> list[SagaView]:
    """Failed sagas, and running ones whose step's time is over, after the given place in the list; oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM sagas WHERE (status = 'failed' OR (status = 'running' AND deadline_at < clock_timestamp())) "
        "AND (started_at, order_id) > ($1, $2) ORDER BY started_at, order_id LIMIT $3",
        *after,
        rows_max,
    )
    return [_view(row) for row in rows]


async def resume(connection: Connection, order_id: UUID) -> bool:
    """Let the resolver look at once; a failed compensation gets its time again. False for one that has ended."""
    found = await connection.fetchval(
        "UPDATE sagas SET due_at = clock_timestamp(), lease_until = NULL, status = 'running', ended_at = NULL, "
        "deadline_at = greatest(deadline_at, clock_timestamp() + interval '60 seconds') "
        "WHERE order_id = $1 AND status IN ('running', 'failed') RETURNING 1",
        order_id,
    )
    return bool(found)


async def prune_refused(connection: Connection, *, older_than_h: int, rows_max: int) -> int:
    """Forget sagas of buyers who got nothing; gives their number."""
    rows = await connection.fetch(
        "DELETE FROM sagas WHERE order_id IN (SELECT order_id FROM sagas WHERE status = 'refused' "
        "AND ended_at < clock_timestamp() - make_interval(hours => $1) LIMIT $2) RETURNING 1",
        older_than_h,
        rows_max,
    )
    return len(rows)


def _saga(row: asyncpg.Record) -> Saga:
    return Saga(
        order_id=row["order_id"],
        step=Step(row["step"]),
        status=SagaStatus(row["status"]),
        attempts=row["attempts"],
        deadline_at=row["deadline_at"],
        started_at=row["started_at"],
        draft=row["draft"],
        traceparent=row["traceparent"],
        stock_settled=row["stock_settled"],
        money_settled=row["money_settled"],
    )


def _view(row: asyncpg.Record) -> SagaView:
    return SagaView(**{name: row[name] for name in SagaView.__struct_fields__})
