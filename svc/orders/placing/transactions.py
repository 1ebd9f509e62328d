"""The transactions of placing an order: begin, confirm, refuse, give up, forget; and the answers they stored.

The saga calls the remote parts between them. Those that are one statement take a bare connection, where it commits by
itself: every buyer pays for each round trip, and a sold-out one pays for nothing else.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from shared import idempotency
from shared.clock import Clock
from shared.contracts import Address, OrderLine
from shared.contracts.orders import OrderCreated
from shared.database import Database
from shared.errors import Refusal
from shared.idempotency import Answer, RequestInFlight
from shared.problem_details import refusal_body
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.cart import CartChanged
from svc.orders.domain.draft import Draft
from svc.orders.domain.saga import SagaStatus, Step
from svc.orders.placing.refusals import CouponExhausted, QuoteUsed, RefusedEarlier, ShippingQuoteUsed
from svc.orders.settings import Settings
from svc.orders.store import carts, conversions, coupons, orders, promotions, sagas
from svc.orders.views import order_of_draft, order_view


class Transactions:
    """One transaction each. None from confirm, refuse or give_up: somebody else ended the reserving step first."""

    def __init__(self, database: Database, clock: Clock, config: Settings) -> None:
        self._database = database
        self._clock = clock
        self._config = config

    async def begin(self, draft: Draft, *, fingerprint: bytes) -> Answer | None:
        """Claim the key and begin the saga; the stored answer when the key was used before.

        Raises `IdempotencyKeyReused`, `RequestInFlight`. Invariant: one saga per (customer, key).
        """
        async with self._database.acquire() as connection:
            if await sagas.begin(
                connection,
                draft,
                fingerprint=fingerprint,
                deadline_s=self._config.reserving_s,
                due_s=self._config.reserve_timeout_s + self._config.resolver_grace_s,
                traceparent=current_traceparent(),
            ):
                return None
        async with self._database.begin() as uow:
            return await _known_answer(uow, draft, fingerprint=fingerprint)

    async def replay(self, scope: str, key: str, *, fingerprint: bytes) -> Answer | None:
        """The answer of a key that may never have been used. Raises `IdempotencyKeyReused`, `RequestInFlight`."""
        async with self._database.acquire() as connection:
            return await idempotency.replay(connection, scope, key, fingerprint=fingerprint)

    async def confirm(self, draft: Draft, *, actor: str) -> Answer | None:
        """Store the order whose stock is held; where a late rule refuses it, give the hold back."""
        try:
            async with self._database.begin() as uow:
                return await _confirm(uow, draft, now=self._clock.now(), actor=actor, paying_s=self._config.paying_s)
        except (CouponExhausted, CartChanged, QuoteUsed, ShippingQuoteUsed) as refusal:
            return await self.give_up(draft, refusal)

    async def refuse(self, draft: Draft, refusal: Refusal) -> Answer | None:
        """End the saga of a buyer for whom nothing is held; what another may hold meanwhile, the saga gives back."""
        answer = _answer_of(refusal, draft)
        async with self._database.acquire() as connection:
            ended = await sagas.refuse(connection, draft.order_id, detail=refusal.code, answer=answer)
        return answer if ended else await self.give_up(draft, refusal)

    async def give_up(self, draft: Draft, refusal: Refusal) -> Answer | None:
        """Refuse a buyer for whom something may be held, which the saga gives back."""
        answer = _answer_of(refusal, draft)
        async with self._database.acquire() as connection:
            moved = await sagas.give_up(
                connection, draft.order_id, detail=refusal.code, answer=answer, deadline_s=self._config.releasing_s
            )
        return answer if moved else None

    async def stored(self, draft: Draft, answer: Answer | None) -> Answer:
        """Our answer, or the one that was stored when somebody else was faster. Raises `RequestInFlight`."""
        if answer is None:
            async with self._database.acquire() as connection:
                answer = await idempotency.find(connection, draft.scope, draft.key)
        if answer is None:
            raise RequestInFlight("the same request is being worked on; try again")
        return answer

    async def forget(self, order_id: UUID) -> bool:
        """Undo `begin`: nothing was held, and the same key may be used again; False when another is at the saga."""
        async with self._database.acquire() as connection:
            return await sagas.forget(connection, order_id)

    async def hand_over(self, order_id: UUID) -> None:
        """Let the resolver look at once rather than when it would take the saga for abandoned."""
        async with self._database.acquire() as connection:
            await sagas.look_again(connection, order_id, step=Step.RESERVING, after_s=0.0)


async def _known_answer(uow: UnitOfWork, draft: Draft, *, fingerprint: bytes) -> Answer:
    try:
        answer = await idempotency.replay(uow.connection, draft.scope, draft.key, fingerprint=fingerprint)
    except RequestInFlight:
        answer = await _forgotten_answer(uow, draft.order_id)
        if answer is None:
            raise
        answer = await idempotency.complete(uow.connection, draft.scope, draft.key, answer)
    if answer is None:  # it was given up between the two statements
        raise RequestInFlight("the same request is being worked on; try again")
    return answer


async def _confirm(uow: UnitOfWork, draft: Draft, *, now: datetime, actor: str, paying_s: float) -> Answer | None:
    """Order, answer and event, or nothing at all.

    Raises `CouponExhausted`, `CartChanged`, `QuoteUsed`, `ShippingQuoteUsed`.
    """
    answer = Answer(201, msgspec.json.encode(order_of_draft(draft, now)))
    try:
        stored = await orders.confirm(
            uow.connection, draft, placed_at=now, actor=actor, answer=answer, paying_s=paying_s
        )
    except orders.QuoteTaken as error:
        raise ShippingQuoteUsed("another order was placed at this shipping quote; look at it once more") from error
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
    if draft.promotions:
        await promotions.keep(uow.connection, draft.order_id, draft.promotions)
    if draft.cart_version is not None and not await carts.buy(
        uow.connection, draft.customer_id, version=draft.cart_version
    ):
        raise CartChanged("the cart changed while it was being bought; look at it again")
    if draft.conversion is not None and not await conversions.pin(uow.connection, draft.order_id, draft.conversion):
        raise QuoteUsed("another order was placed at this quote; look at the price once more")
    uow.publish(_created(draft, now), aggregate_id=draft.order_id, aggregate_version=1, occurred_at=now)
    return answer


def _answer_of(refusal: Refusal, draft: Draft) -> Answer:
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
                seller_id=line.seller_id,
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
        quote_id=None if draft.conversion is None else draft.conversion.quote_id,
        shipping_quote_id=None if draft.delivery is None else draft.delivery.quote_id,
    )
