"""For operators and other services: an order's whole story, and sagas that need a look."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.identity import Principal, requires_role
from shared.tracing import parse
from shared.unit_of_work import Connection
from svc.orders.cancelling import Cancelling
from svc.orders.domain.order import OrderNotFound
from svc.orders.handlers.lifecycle import Because
from svc.orders.handlers.resuming import resume_saga
from svc.orders.store import history, orders, sagas
from svc.orders.store.sagas import SagaAttempt, SagaStep, SagaView
from svc.orders.views import Order, order_view

STUCK_ROWS_MAX = 200


class Transition(msgspec.Struct, frozen=True):
    from_status: str | None
    to_status: str
    actor: str
    reason: str
    at: datetime


class Note(msgspec.Struct, frozen=True):
    actor: str
    note: str
    at: datetime


class ParcelSeen(msgspec.Struct, frozen=True):
    shipment_id: UUID
    state: str
    carrier: str
    tracking_number: str


class EventPublished(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    aggregate_version: int
    created_at: datetime
    sent_at: datetime | None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Everything orders knows of one order; `order` is absent where the saga never got that far."""

    order_id: UUID
    trace_id: str
    order: Order | None
    customer_id: UUID | None
    email: str | None
    idempotency_key: str | None
    payment_method: str | None
    payment_id: UUID | None
    captured_minor: int | None
    refunded_minor: int
    transitions: list[Transition]
    notes: list[Note]
    parcels: list[ParcelSeen]
    saga: SagaView | None
    saga_steps: list[SagaStep]
    saga_attempts: list[SagaAttempt]
    events: list[EventPublished]


class OrderRecall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class StuckSagas(msgspec.Struct, frozen=True):
    items: list[SagaView]


class InternalController(Controller):
    path = "/internal"
    tags = ("internal",)
    guards = (requires_role("service", "operator", "support"),)
    before_request = refuse_card_data

    @get("/orders/{order_id:uuid}/story")
    async def story(self, order_id: FromPath[UUID], database: NamedDependency[Database]) -> Story:
        """What happened to an order: history, saga, notes, parcels, events, trace."""
        async with database.begin() as uow:
            return await _story(uow.connection, order_id)

    @post("/orders/{order_id:uuid}/recall", status_code=200)
    async def recall(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        data: JSONBody[OrderRecall],
        cancelling: NamedDependency[Cancelling],
    ) -> Order:
        """Take back a sale that should never have been made, also after hand-over. Repeating it changes nothing."""
        return order_view(await cancelling.recall(order_id, Because(f"operator:{principal.subject}", data.reason)))

    @get("/sagas/stuck")
    async def stuck(
        self,
        database: NamedDependency[Database],
        limit: Annotated[int, QueryParameter(ge=1, le=STUCK_ROWS_MAX)] = STUCK_ROWS_MAX,
    ) -> StuckSagas:
        """Sagas past the deadline of their step, and those that failed; oldest first."""
        async with database.acquire() as connection:
            return StuckSagas(await sagas.stuck(connection, after=sagas.BEFORE_ALL, rows_max=limit))

    @post("/sagas/{order_id:uuid}/resume", status_code=200)
    async def resume(
        self, principal: NamedDependency[Principal], order_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> SagaView:
        """Let the resolver look at a saga at once; a failed one gets another minute."""
        async with database.begin() as uow:
            return await resume_saga(uow, order_id, who=f"operator:{principal.subject}")


async def _story(connection: Connection, order_id: UUID) -> Story:
    order = await orders.find(connection, order_id)
    told = await sagas.story(connection, order_id)
    if order is None and told is None:
        raise OrderNotFound("there is no such order")
    return Story(
        order_id=order_id,
        trace_id=order.trace_id if order is not None else _trace_id(told.traceparent if told is not None else None),
        order=order_view(order) if order is not None else None,
        customer_id=order.customer_id if order is not None else None,
        email=order.email if order is not None else None,
        idempotency_key=order.idempotency_key if order is not None else None,
        payment_method=order.payment_method if order is not None else None,
        payment_id=order.payment_id if order is not None else None,
        captured_minor=order.facts.captured_minor if order is not None else None,
        refunded_minor=order.facts.refunded_minor if order is not None else 0,
        transitions=_all(Transition, await history.history(connection, order_id)),
        notes=_all(Note, await history.notes(connection, order_id)),
        parcels=[
            ParcelSeen(one.id, one.state.value, one.carrier, one.tracking_number)
            for one in (order.state.shipments if order is not None else ())
        ],
        saga=told.saga if told is not None else None,
        saga_steps=told.steps if told is not None else [],
        saga_attempts=told.attempts if told is not None else [],
        events=_all(EventPublished, await history.events(connection, order_id)),
    )


def _trace_id(traceparent: str | None) -> str:
    context = parse(traceparent) if traceparent else None
    return format(context.trace_id, "032x") if context is not None else ""


def _all(kind: type[Any], rows: Any) -> list[Any]:
    return [kind(**row) for row in rows]
