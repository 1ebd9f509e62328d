"""How an order moves once it exists: a fact is recorded, the status follows from all facts, and the change is told.

The one place that changes stored orders.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from shared.contracts import Address, OrderLine
from shared.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderFact,
    OrderPaid,
    OrderRefunded,
    OrderShipped,
)
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.order import Facts, OrderNotFound, OrderStatus, State, check_cancellable, check_recallable, walk
from svc.orders.store import coupons, history, orders, sagas
from svc.orders.store.orders import StoredOrder

COMPENSATION_LOOK_S = 2.0
"""How long the facts of a compensation get to come by themselves before inventory is asked."""

Learn = Callable[[Facts], Facts]


class Because(msgspec.Struct, frozen=True):
    """Who moves an order, and why; both go into its history."""

    actor: str
    reason: str


async def locked(uow: UnitOfWork, order_id: UUID) -> StoredOrder:
    """The order, locked. Raises `OrderNotFound`."""
    order = await orders.lock(uow.connection, order_id)
    if order is None:
        raise OrderNotFound("there is no such order")
    return order


async def cancel(
    uow: UnitOfWork,
    order_id: UUID,
    because: Because,
    *,
    patience: timedelta,
    customer_id: UUID | None = None,
) -> StoredOrder:
    """Cancel an order that is not handed over yet; cancelling again changes nothing.

    With `customer_id` a foreign order is as good as absent. Raises `OrderNotFound`, `OrderAlreadyShipped`,
    `OrderNotCancellable`.
    """
    order = await locked(uow, order_id)
    if customer_id is not None and order.customer_id != customer_id:
        raise OrderNotFound("there is no such order")
    if order.status is OrderStatus.CANCELLED:
        return order
    check_cancellable(order.status)
    wanted = msgspec.structs.replace(order, cancel_reason=because.reason)
    return await advance(
        uow, wanted, msgspec.structs.replace(order.facts, cancel_wanted=True), because, patience=patience
    )


async def recall(uow: UnitOfWork, order_id: UUID, because: Because, *, patience: timedelta) -> StoredOrder:
    """Take back a sale that should never have been made, also after hand-over; repeating it changes nothing.

    The customer is told and paid back as with any cancellation. Raises `OrderNotFound`, `OrderNotCancellable`.
    """
    order = await locked(uow, order_id)
    if order.status is OrderStatus.CANCELLED:
        return order
    check_recallable(order.status)
    wanted = msgspec.structs.replace(order, cancel_reason=because.reason)
    return await advance(uow, wanted, msgspec.structs.replace(order.facts, recalled=True), because, patience=patience)


async def advance(
    uow: UnitOfWork, order: StoredOrder, facts: Facts, because: Because, *, patience: timedelta
) -> StoredOrder:
    """Store the facts and walk the order as far as they lead, telling each change; `order` is locked.

    Invariant: events of an order are numbered from 1 without gaps.
    """
    more_refunded = facts.refunded_minor > order.facts.refunded_minor
    steps = walk(order.state, facts)
    current = msgspec.structs.replace(order, facts=facts)
    for step in steps:
        current = await _take(uow, current, step, because, patience=patience)
    if more_refunded:
        current = msgspec.structs.replace(current, events=current.events + 1)
        current = await orders.save(uow.connection, current, actor=because.actor, reason=because.reason)
        _publish(uow, current, OrderRefunded, refunded_minor=facts.refunded_minor)
    elif not steps:
        current = await orders.save(uow.connection, current, actor=because.actor, reason=because.reason)
    return current


async def _take(
    uow: UnitOfWork, order: StoredOrder, step: State, because: Because, *, patience: timedelta
) -> StoredOrder:
    told = step.status in _TOLD
    reason = order.cancel_reason or because.reason if step.status is OrderStatus.CANCELLED else because.reason
    order = msgspec.structs.replace(
        order,
        status=step.status,
        parcel_shown=step.parcel_shown,
        refund_shown_minor=step.refund_shown_minor,
        events=order.events + told,
        cancel_reason=reason if step.status is OrderStatus.CANCELLED else order.cancel_reason,
    )
    order = await orders.save(uow.connection, order, actor=because.actor, reason=reason)
    match step.status:
        case OrderStatus.PAID:
            assert order.payment_id is not None, "only a payment makes an order paid"
            _publish(
                uow,
                order,
                OrderPaid,
                payment_id=order.payment_id,
                lines=_lines(order),
                shipping_address=msgspec.convert(order.shipping_address, Address, from_attributes=True),
                shipping_method=order.shipping_method,
            )
            await sagas.complete_paid(uow.connection, order.id)
        case OrderStatus.SHIPPED:
            parcel = (await history.parcels(uow.connection, order.id))[0]
            _publish(
                uow,
                order,
                OrderShipped,
                shipment_id=parcel["shipment_id"],
                carrier=parcel["carrier"],
                tracking_number=parcel["tracking_number"],
            )
        case OrderStatus.COMPLETED:
            _publish(uow, order, OrderCompleted)
        case OrderStatus.CANCELLED:
            _publish(uow, order, OrderCancelled, reason=reason, lines=_lines(order))
            await _compensate(uow, order, reason, patience=patience)
        case _:
            pass
    return order


_TOLD = frozenset({OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.COMPLETED, OrderStatus.CANCELLED})


async def _compensate(uow: UnitOfWork, order: StoredOrder, reason: str, *, patience: timedelta) -> None:
    """The saga waits from here until stock and money are undone; a coupon's use is given back at once."""
    await sagas.compensate(
        uow.connection,
        order.id,
        stock_settled=order.facts.stock_lost,
        money_settled=money_settled(order),
        detail=reason,
        deadline_s=patience.total_seconds(),
        due_s=min(COMPENSATION_LOOK_S, patience.total_seconds()),
    )
    if order.coupon is not None:
        await coupons.give_back(uow.connection, order.id)


def money_settled(order: StoredOrder) -> bool:
    """Nothing was captured and nothing will be, or all of it went back."""
    captured, refunded = order.facts.captured_minor, order.facts.refunded_minor
    if captured is None:
        return order.facts.payment_failed or refunded >= order.total_minor > 0
    return refunded >= captured


def _publish(uow: UnitOfWork, order: StoredOrder, event_type: type[OrderFact], **members: object) -> None:
    uow.publish(
        event_type(
            order_id=order.id,
            order_number=order.number,
            customer_id=order.customer_id,
            email=order.email,
            currency=order.currency,
            total_minor=order.total_minor,
            **members,
        ),
        aggregate_id=order.id,
        aggregate_version=order.events,
    )


def _lines(order: StoredOrder) -> list[OrderLine]:
    return [
        OrderLine(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            line_total_minor=line.line_total_minor,
        )
        for line in order.lines
    ]
