"""The transactions of placing an order, one function each: begin, confirm, refuse, give up, forget.

The saga calls the remote parts between them. Those that are one statement take a bare connection, where it commits by
itself: every buyer pays for each round trip, and a sold-out one pays for nothing else.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from shared import idempotency
from shared.contracts import Address, OrderLine
from shared.contracts.orders import OrderCreated
from shared.errors import Kind, Refusal
from shared.idempotency import Answer
from shared.problem_details import refusal_body
from shared.tracing import current_traceparent
from shared.unit_of_work import Connection, UnitOfWork
from svc.orders.domain.cart import CartChanged
from svc.orders.domain.draft import Draft
from svc.orders.domain.saga import SagaStatus, Step
from svc.orders.settings import Settings
from svc.orders.store import answers, carts, coupons, orders, sagas
from svc.orders.views import order_of_draft, order_view


class CouponExhausted(Refusal):
    """The coupon was used as often as it may be, in all or by this customer."""

    code = "coupon_exhausted"
    kind = Kind.CONFLICT


class RefusedEarlier(Refusal):
    """The key named an order that was refused, so long ago that its answer is forgotten."""

    code = "order_refused_earlier"
    kind = Kind.CONFLICT


async def begin(connection: Connection, draft: Draft, *, fingerprint: bytes, config: Settings) -> bool:
    """Claim the key and begin the saga; False when the key was used before. Invariant: one saga per (customer, key)."""
    return await sagas.begin(
        connection,
        draft,
        fingerprint=fingerprint,
        deadline_s=config.reserving_s,
        due_s=config.reserve_timeout_s + config.resolver_grace_s,
        traceparent=current_traceparent(),
    )


async def known_answer(uow: UnitOfWork, draft: Draft, *, fingerprint: bytes) -> Answer:
    """What a key that was used before is answered. Raises `IdempotencyKeyReused`, `RequestInFlight`."""
    try:
        answer = await idempotency.claim(uow.connection, draft.scope, draft.key, fingerprint=fingerprint)
    except idempotency.RequestInFlight:
        answer = await _forgotten_answer(uow, draft.order_id)
        if answer is None:
            raise
        await idempotency.complete(uow.connection, draft.scope, draft.key, answer)
    if answer is None:
        raise idempotency.RequestInFlight("the same request is being worked on; try again")
    return answer


async def stored_answer(uow: UnitOfWork, scope: str, key: str, *, fingerprint: bytes) -> Answer | None:
    """The answer of a key that may never have been used; claims nothing.

    Raises `IdempotencyKeyReused`, `RequestInFlight`.
    """
    if not await answers.is_known(uow.connection, scope, key):
        return None
    answer = await idempotency.claim(uow.connection, scope, key, fingerprint=fingerprint)
    if answer is None:
        raise idempotency.RequestInFlight("the same request is being worked on; try again")
    return answer


async def confirm(uow: UnitOfWork, draft: Draft, *, now: datetime, actor: str, config: Settings) -> Answer | None:
    """Store the order whose stock is held, its answer and its event; None when the saga had moved on.

    Raises `CouponExhausted`, `CartChanged`: then nothing is stored and the hold must be given back.
    """
    answer = Answer(201, msgspec.json.encode(order_of_draft(draft, now)))
    stored = await orders.confirm(
        uow.connection,
        draft,
        placed_at=now,
        actor=actor,
        answer_status=answer.status,
        answer_body=answer.body,
        paying_s=config.paying_s,
    )
    if not stored:
        return None
    if draft.coupon is not None and not await coupons.take(
        uow.connection,
        draft.coupon,
        order_id=draft.order_id,
        customer_id=draft.customer_id,
        discount_minor=draft.discount_minor,
    ):
        raise CouponExhausted("this coupon has been used up", coupon=draft.coupon)
    if draft.cart_version is not None and not await carts.buy(
        uow.connection, draft.customer_id, version=draft.cart_version
    ):
        raise CartChanged("the cart changed while it was being bought; look at it again")
    uow.publish(_created(draft, now), aggregate_id=draft.order_id, aggregate_version=1, occurred_at=now)
    return answer


async def refuse(connection: Connection, draft: Draft, refusal: Refusal) -> Answer | None:
    """End the saga of a buyer for whom nothing is held; None when it had moved on."""
    answer = answer_of(refusal, draft)
    ended = await sagas.refuse(connection, draft.order_id, detail=refusal.code, status=answer.status, body=answer.body)
    return answer if ended else None


async def give_up(connection: Connection, draft: Draft, refusal: Refusal, *, config: Settings) -> Answer | None:
    """Refuse a buyer for whom something may be held, which the saga gives back; None when it had moved on."""
    answer = answer_of(refusal, draft)
    moved = await sagas.give_up(
        connection,
        draft.order_id,
        detail=refusal.code,
        status=answer.status,
        body=answer.body,
        deadline_s=config.releasing_s,
    )
    return answer if moved else None


async def forget(connection: Connection, order_id: UUID) -> None:
    """Undo `begin`: nothing was held, and the same key may be used again."""
    await sagas.forget(connection, order_id)


def answer_of(refusal: Refusal, draft: Draft) -> Answer:
    """The refusal as it is stored and replayed, in the trace of the buyer's own request."""
    status, body = refusal_body(refusal, trace_id=draft.trace_id)
    return Answer(status, msgspec.json.encode(body))


async def _forgotten_answer(uow: UnitOfWork, order_id: UUID) -> Answer | None:
    """The answer of a saga that outlived its key's retention; None for one that still works."""
    saga = await sagas.find(uow.connection, order_id)
    if saga is None or (saga.step == Step.RESERVING and saga.status == SagaStatus.RUNNING):
        return None
    order = await orders.find(uow.connection, order_id)
    if order is not None:
        return Answer(201, msgspec.json.encode(order_view(order)))
    status, body = refusal_body(RefusedEarlier("this order was refused; use a new Idempotency-Key"))
    return Answer(status, msgspec.json.encode(body))


def _created(draft: Draft, now: datetime) -> OrderCreated:
    return OrderCreated(
        order_id=draft.order_id,
        order_number=draft.number,
        customer_id=draft.customer_id,
        email=draft.email,
        currency=draft.currency,
        total_minor=draft.total_minor,
        lines=[
            OrderLine(
                sku=line.sku,
                product_id=line.product_id,
                title=line.title,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                line_total_minor=line.line_total_minor,
            )
            for line in draft.lines
        ],
        subtotal_minor=draft.subtotal_minor,
        discount_minor=draft.discount_minor,
        tax_minor=draft.tax_minor,
        shipping_minor=draft.shipping_minor,
        payment_method=draft.payment_method,
        shipping_address=msgspec.convert(draft.shipping_address, Address, from_attributes=True),
        shipping_method=draft.shipping_method,
        placed_at=now,
    )
