"""How an order moves once it exists: a fact is recorded, the state follows from all facts, the change is published.

The one place that changes stored orders.
"""

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
from shared.contracts.payments import PRICE_CORRECTION
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.machines import OrderState, OrderStatus, ShipmentState
from svc.orders.domain.order import Facts, OrderNotFound, State, Withholding, check_cancellable, walk
from svc.orders.store import coupons, history, orders, sagas
from svc.orders.store.orders import StoredOrder

COMPENSATION_LOOK_S = 2.0
"""How long the facts of a compensation get to come by themselves before inventory is asked."""


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
    """Want an order cancelled that is not handed over yet; wanting it again changes nothing.

    An unpaid order is cancelled at once; of a paid one the goods are asked for, and it is cancelled when shipping has
    said that they are here (`end_withholding`). With `customer_id` a foreign order is as good as absent.
    Raises `OrderNotFound`, `OrderAlreadyShipped`, `OrderNotCancellable`.
    """
    order = await locked(uow, order_id)
    if customer_id is not None and order.customer_id != customer_id:
        raise OrderNotFound("there is no such order")
    if order.state.order is OrderState.CANCELLED:
        return order
    check_cancellable(order.state, order.facts)
    facts = msgspec.structs.replace(order.facts, cancel_wanted=True)
    return await advance(uow, order, facts, because, patience=patience)


async def recall(uow: UnitOfWork, order_id: UUID, because: Because, *, patience: timedelta) -> StoredOrder:
    """Take back a sale that should never have been made, also after hand-over; repeating it changes nothing.

    The customer is told and paid back as with any cancellation. Raises `OrderNotFound`.
    """
    order = await locked(uow, order_id)
    if order.state.order is OrderState.CANCELLED:
        return order
    facts = msgspec.structs.replace(order.facts, recalled=True)
    return await advance(uow, order, facts, because, patience=patience)


async def end_withholding(
    uow: UnitOfWork, order_id: UUID, answer: Withholding, because: Because, *, patience: timedelta
) -> StoredOrder:
    """Shipping has said whether the goods are here: only now is the order cancelled, or it goes on.

    Raises `OrderNotFound`.
    """
    order = await locked(uow, order_id)
    if order.state.order is not OrderState.CANCELLING:
        return order
    facts = msgspec.structs.replace(order.facts, withholding=answer)
    return await advance(uow, order, facts, because, patience=patience)


async def advance(
    uow: UnitOfWork, order: StoredOrder, facts: Facts, because: Because, *, patience: timedelta
) -> StoredOrder:
    """Store the facts and walk the order as far as they lead, publishing each change; `order` is locked.

    Invariant: events of an order are numbered from 1 without gaps.
    """
    more_refunded = facts.refunded_minor > order.facts.refunded_minor
    steps = walk(order.state, facts)
    current = msgspec.structs.replace(order, facts=facts)
    for step in steps:
        current = await _take(uow, current, step, because, patience=patience)
    if more_refunded:
        current = await tell(
            uow,
            current,
            OrderRefunded,
            because,
            refunded_minor=facts.refunded_minor,
            corrects_price=because.reason == PRICE_CORRECTION,
        )
    elif not steps:
        current = await orders.save(uow.connection, current, actor=because.actor, reason=because.reason)
    return current


async def tell(
    uow: UnitOfWork, order: StoredOrder, event: type[OrderFact], because: Because, **members: object
) -> StoredOrder:
    """Publish what happened to an order without moving it, as its next event; `order` is locked."""
    told = msgspec.structs.replace(order, events=order.events + 1)
    told = await orders.save(uow.connection, told, actor=because.actor, reason=because.reason)
    _publish(uow, told, event, **members)
    return told


async def _take(
    uow: UnitOfWork, order: StoredOrder, step: State, because: Because, *, patience: timedelta
) -> StoredOrder:
    before = order.state
    event = _event_of(before, step)
    reason = because.reason
    if step.order in {OrderState.CANCELLING, OrderState.CANCELLED}:
        reason = order.cancel_reason or reason
    order = msgspec.structs.replace(
        order,
        state=step,
        events=order.events + (event is not None),
        cancel_reason=_cancel_reason(before, step, order, reason),
    )
    moved = [shipment for shipment in step.shipments if shipment not in before.shipments]
    await orders.put_shipments(uow.connection, order.id, moved, actor=because.actor)
    order = await orders.save(uow.connection, order, actor=because.actor, reason=reason)
    if event is not None:
        _publish(uow, order, event, **_members(event, order, reason))
    if step.order is not before.order:
        await _lead_saga(uow, order, before.order, reason, patience=patience)
    return order


def _event_of(before: State, after: State) -> type[OrderFact] | None:
    """What a step publishes; at most one event."""
    if after.order is not before.order:
        return {
            (OrderState.RESERVED, OrderState.ACCEPTED): OrderPaid,
            (OrderState.ACCEPTED, OrderState.COMPLETED): OrderCompleted,
        }.get((before.order, after.order), OrderCancelled if after.order is OrderState.CANCELLED else None)
    shown = {ShipmentState.DISPATCHED, ShipmentState.DELIVERED}
    first_shown = after.fulfilment in shown and before.fulfilment not in shown
    return OrderShipped if first_shown and after.status is OrderStatus.SHIPPED else None


def _members(event: type[OrderFact], order: StoredOrder, reason: str) -> dict[str, object]:
    if event is OrderPaid:
        assert order.payment_id is not None, "only a payment makes an order paid"
        return {
            "payment_id": order.payment_id,
            "lines": _lines(order),
            "shipping_address": msgspec.convert(order.shipping_address, Address, from_attributes=True),
            "shipping_method": order.shipping_method,
            "shipping_quote_id": None if order.delivery is None else order.delivery.quote_id,
        }
    if event is OrderShipped:
        parcel = next(one for one in order.state.shipments if one.state is ShipmentState.DISPATCHED)
        return {"shipment_id": parcel.id, "carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    return {"reason": reason, "lines": _lines(order)} if event is OrderCancelled else {}


def _cancel_reason(before: State, after: State, order: StoredOrder, reason: str) -> str | None:
    if after.order in {OrderState.CANCELLING, OrderState.CANCELLED}:
        return reason
    return None if before.order is OrderState.CANCELLING else order.cancel_reason


async def _lead_saga(
    uow: UnitOfWork, order: StoredOrder, before: OrderState, reason: str, *, patience: timedelta
) -> None:
    match order.state.order:
        case OrderState.ACCEPTED if before is OrderState.CANCELLING:
            await sagas.end_withholding(uow.connection, order.id)
            note = f"not cancelled ({reason}): the carrier has the goods"
            await history.note(uow.connection, order.id, actor="shipping", note=note)
        case OrderState.ACCEPTED:
            await sagas.complete_paid(uow.connection, order.id)
        case OrderState.CANCELLING:
            await sagas.withhold(uow.connection, order.id, detail=reason, deadline_s=patience.total_seconds())
        case OrderState.CANCELLED:
            await _compensate(uow, order, reason, patience=patience)
        case _:
            pass


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
            seller_id=line.seller_id,
        )
        for line in order.lines
    ]
