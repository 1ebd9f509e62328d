"""What other services say about an order. Facts may come in any order and late; each is recorded once and kept.

A fact about an order nobody knows goes to the dead letters, except a hold's end, which needs no order.
"""

from datetime import timedelta

import msgspec

from shared.contracts import Envelope
from shared.contracts.inventory import InventoryRejected, InventoryReleased
from shared.contracts.payments import (
    PaymentDisputed,
    PaymentFact,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
    RefundReversed,
)
from shared.contracts.shipping import (
    ShipmentCreated,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentFact,
    ShipmentLost,
)
from shared.unit_of_work import UnitOfWork
from svc.orders.domain.machines import OrderState, ShipmentState
from svc.orders.domain.order import Shipment, report
from svc.orders.handlers.lifecycle import Because, advance, locked, money_settled
from svc.orders.store import history, orders, sagas
from svc.orders.store.orders import StoredOrder

REFUND_REVERSED = "refund_reversed"
"""Why an order goes back from refunded, in its history."""


async def take_payment(uow: UnitOfWork, envelope: Envelope[PaymentProcessed], *, patience: timedelta) -> None:
    """The money is there: the order is paid, unless it was cancelled or the sum is not the order's."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    if fact.currency != order.currency or fact.amount_minor != order.total_minor:
        await history.note(
            uow.connection,
            order.id,
            actor="payments",
            note=f"captured {fact.amount_minor} {fact.currency}, the order is {order.total_minor} {order.currency}",
        )
    if fact.currency != order.currency:
        return
    if order.state.order is OrderState.CANCELLED:
        await history.note(
            uow.connection, order.id, actor="payments", note=f"captured after the order was {order.status.value}"
        )
    facts = msgspec.structs.replace(order.facts, captured_minor=fact.amount_minor)
    paid = msgspec.structs.replace(order, payment_id=fact.payment_id)
    await advance(uow, paid, facts, Because("payments", "payment captured"), patience=patience)


async def fail_payment(uow: UnitOfWork, envelope: Envelope[PaymentFailed], *, patience: timedelta) -> None:
    """There will be no money: the order is cancelled, or its cancellation is settled on that side."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    facts = msgspec.structs.replace(order.facts, payment_failed=True)
    because = Because("payments", f"payment_{fact.reason}")
    order = await advance(uow, _with_payment(order, fact), facts, because, patience=patience)
    await _settle_money(uow, order)


async def refund_payment(uow: UnitOfWork, envelope: Envelope[PaymentRefunded], *, patience: timedelta) -> None:
    """Money went back; `refunded_minor` is a sum so far, so an older fact changes nothing."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    facts = order.facts.with_refunds(told_minor=fact.refunded_minor, reversed_minor=0)
    if fact.currency != order.currency or facts == order.facts:
        return
    because = Because("payments", fact.reason or "refunded")
    order = await advance(uow, _with_payment(order, fact), facts, because, patience=patience)
    await _settle_money(uow, order)


async def reverse_refund(uow: UnitOfWork, envelope: Envelope[RefundReversed], *, patience: timedelta) -> None:
    """A refund that was told never was: less went back than the order shows. Nobody is told anew."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    facts = order.facts.with_refunds(told_minor=0, reversed_minor=fact.reversed_minor)
    if fact.currency != order.currency or facts == order.facts:
        return
    note = f"a refund of {fact.amount_minor} {fact.currency} was told and never made"
    await history.note(uow.connection, order.id, actor="payments", note=note)
    await advance(uow, order, facts, Because("payments", REFUND_REVERSED), patience=patience)


async def fail_refund(uow: UnitOfWork, envelope: Envelope[PaymentRefundFailed], *, patience: timedelta) -> None:  # noqa: ARG001 all facts are taken alike
    """Money did not go back: it is written down, and a cancellation that waits for it is shown to people at once."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    note = f"a refund of {fact.amount_minor} {fact.currency} failed: {fact.reason}"
    await history.note(uow.connection, order.id, actor="payments", note=note)
    if order.state.order is OrderState.CANCELLED and not money_settled(order):
        await sagas.fail(uow.connection, order.id, detail=note)


async def note_dispute(uow: UnitOfWork, envelope: Envelope[PaymentDisputed], *, patience: timedelta) -> None:  # noqa: ARG001 all facts are taken alike
    """The customer's bank took money back, or how that ended: it is written down and moves nothing."""
    fact = envelope.data
    order = await locked(uow, fact.order_id)
    note = f"a dispute of {fact.amount_minor} {fact.currency} ({fact.reason}) is {fact.status}"
    await history.note(uow.connection, order.id, actor="payments", note=note)


async def lose_stock(uow: UnitOfWork, envelope: Envelope[InventoryRejected], *, patience: timedelta) -> None:
    """The order's stock could not be kept: it is cancelled once its goods are, unless they are on their way already."""
    order = await locked(uow, envelope.data.order_id)
    facts = msgspec.structs.replace(order.facts, stock_lost=True)
    order = await advance(uow, order, facts, Because("inventory", "stock_lost"), patience=patience)
    if order.state.order is OrderState.CANCELLED:
        await sagas.settle(uow.connection, order.id, stock=True)
    elif order.state.order is not OrderState.CANCELLING:
        await history.note(
            uow.connection, order.id, actor="inventory", note=f"stock rejected while {order.status.value}"
        )


async def release_stock(uow: UnitOfWork, envelope: Envelope[InventoryReleased], *, patience: timedelta) -> None:  # noqa: ARG001 all facts are taken alike
    """A hold ended without a sale: for a cancelled order its stock is undone, for a living one inventory decides.

    A hold that expired before its order came is held again or rejected, which comes as a fact of its own.
    """
    fact = envelope.data
    order = await orders.lock(uow.connection, fact.order_id)
    if order is None:
        return
    if order.state.order is OrderState.CANCELLED:
        await sagas.settle(uow.connection, order.id, stock=True)
        return
    await history.note(uow.connection, order.id, actor="inventory", note=f"hold ended: {fact.reason}")


async def see_shipment_created(uow: UnitOfWork, envelope: Envelope[ShipmentCreated], *, patience: timedelta) -> None:
    """Somebody packs the goods."""
    await _see_parcel(uow, envelope.data, ShipmentState.CREATED, "shipment created", patience=patience)


async def see_dispatch(uow: UnitOfWork, envelope: Envelope[ShipmentDispatched], *, patience: timedelta) -> None:
    """The carrier has a parcel."""
    await _see_parcel(uow, envelope.data, ShipmentState.DISPATCHED, "handed to the carrier", patience=patience)


async def see_delivery(uow: UnitOfWork, envelope: Envelope[ShipmentDelivered], *, patience: timedelta) -> None:
    """A parcel arrived; with the last one the order is complete."""
    await _see_parcel(uow, envelope.data, ShipmentState.DELIVERED, "delivered", patience=patience)


async def note_loss(uow: UnitOfWork, envelope: Envelope[ShipmentLost]) -> None:
    """The carrier lost a parcel: the order stands where it was, and the staff reads of it in its history."""
    fact = envelope.data
    await locked(uow, fact.order_id)
    await history.note(
        uow.connection, fact.order_id, actor="shipping", note=f"the carrier lost the parcel {fact.tracking_number}"
    )


async def _see_parcel(
    uow: UnitOfWork, fact: ShipmentFact, reported: ShipmentState, reason: str, *, patience: timedelta
) -> None:
    order = await locked(uow, fact.order_id)
    shipment = Shipment(
        id=fact.shipment_id, carrier=fact.carrier, tracking_number=fact.tracking_number, reported=reported
    )
    state = report(order.state, shipment)
    news = [one for one in state.shipments if one not in order.state.shipments]
    await orders.put_shipments(uow.connection, order.id, news, actor="shipping")
    if order.state.order is OrderState.CANCELLED:
        await history.note(uow.connection, order.id, actor="shipping", note=f"{reason} after the order was cancelled")
    seen = msgspec.structs.replace(order, state=state)
    await advance(uow, seen, order.facts, Because("shipping", reason), patience=patience)


async def _settle_money(uow: UnitOfWork, order: StoredOrder) -> None:
    if order.state.order is OrderState.CANCELLED and money_settled(order):
        await sagas.settle(uow.connection, order.id, money=True)


def _with_payment(order: StoredOrder, fact: PaymentFact) -> StoredOrder:
    return order if order.payment_id is not None else msgspec.structs.replace(order, payment_id=fact.payment_id)
