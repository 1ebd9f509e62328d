"""The use cases of stock. Each runs inside the caller's transaction and never commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts import Envelope, StockLine
from shared.contracts.catalog import ProductUpserted
from shared.contracts.inventory import (
    InventoryCommitted,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    StockAdjusted,
)
from shared.contracts.orders import OrderCancelled, OrderCreated, OrderPaid
from shared.unit_of_work import UnitOfWork
from svc.inventory import store
from svc.inventory.domain import (
    RECEIPT_QUANTITY_MAX,
    Hold,
    HoldOutcome,
    HoldRequest,
    Irreconcilable,
    Placement,
    ReservationEnded,
    UnknownReservation,
    allocate,
    checked_quantity,
)

SWEEP_ROWS_MAX = 100


class Reconciled(msgspec.Struct, frozen=True):
    """What a reconciliation changed: holds ended, movements written, stock rows set right."""

    holds_ended: int
    movements_completed: int
    rows_recounted: int


async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
    """Serve a batch of buyers under one lock of the SKUs they want; one answer each, in their order.

    Refusals come back as values: `InsufficientStock`, `UnknownSku`, `PurchaseLimitExceeded`, `ReservationMismatch`.
    Invariant: a reservation id holds its lines at most once, whatever is repeated.
    """
    skus = sorted({line.sku for request in requests for line in request.lines})
    levels = await store.lock_levels(uow.connection, skus)
    existing = await store.holds(uow.connection, [request.reservation_id for request in requests])
    limits = await store.limits(uow.connection, skus)
    held = (
        await store.held_by_customer(uow.connection, list({request.customer_id for request in requests}), list(limits))
        if limits
        else {}
    )
    outcomes = allocate(requests, levels=levels, existing=existing, limits=limits, held_by_customer=held)
    granted = [
        (request, outcome) for request, outcome in zip(requests, outcomes, strict=True) if isinstance(outcome, tuple)
    ]
    expiries = await store.insert_holds(uow.connection, granted) if granted else {}
    answers: list[Hold | Exception] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, tuple):
            hold = _new_hold(request, outcome, expiries)
            _publish_reserved(uow, hold)
            answers.append(hold)
        elif isinstance(outcome, Hold) and outcome.reservation_id in expiries:
            answers.append(_with_expiry(outcome, expiries))
        else:
            answers.append(outcome)
    return answers


async def reservation(uow: UnitOfWork, reservation_id: UUID) -> Hold:
    """The stored reservation. Raises `UnknownReservation`."""
    found = await store.holds(uow.connection, [reservation_id])
    if reservation_id not in found:
        raise UnknownReservation("there is no such reservation")
    return found[reservation_id]


async def pin(uow: UnitOfWork, reservation_id: UUID) -> Hold:
    """Let a hold last until it is ended; the reservation as it stands. Raises `UnknownReservation`."""
    await store.pin_hold(uow.connection, reservation_id)
    return await reservation(uow, reservation_id)


async def extend(uow: UnitOfWork, reservation_id: UUID, *, ttl_s: float, life_s_max: float) -> Hold:
    """Let a live hold last `ttl_s` from now on, at most `life_s_max` in all; never shorter than it would have.

    A pinned hold has no end to extend. Raises `UnknownReservation`, `ReservationEnded` also when its time is over.
    """
    extended = await store.extend_hold(uow.connection, reservation_id, ttl_s=ttl_s, life_s_max=life_s_max)
    hold = await reservation(uow, reservation_id)
    if not extended:
        raise ReservationEnded(f"this reservation is {hold.status} or over", status=hold.status)
    return hold


async def release(uow: UnitOfWork, reservation_id: UUID, reason: str) -> Hold:
    """End a hold without a sale; repeating it changes nothing.

    One that never came is ended in advance: should its request arrive late, it holds nothing any more.
    Raises `ReservationEnded` (it was committed).
    """
    ended = await end_hold(uow, reservation_id, HoldOutcome.RELEASED, reason=reason)
    if not ended and not await store.forestall(uow.connection, reservation_id, reason=reason):
        await end_hold(uow, reservation_id, HoldOutcome.RELEASED, reason=reason)  # it may have come just now
    hold = await reservation(uow, reservation_id)
    if hold.status == HoldOutcome.COMMITTED:
        raise ReservationEnded("the units of this reservation are sold")
    return hold


async def end_hold(uow: UnitOfWork, reservation_id: UUID, outcome: HoldOutcome, *, reason: str) -> bool:
    """End a live hold and tell; False when it was not live any more."""
    ended = await store.end_hold(uow, reservation_id, outcome, reason=reason)
    if ended is None:
        return False
    if outcome is not HoldOutcome.COMMITTED:
        publish_released(uow, reservation_id, ended, reason=outcome.value)
        return True
    uow.publish(
        InventoryCommitted(
            reservation_id=reservation_id,
            order_id=reservation_id,
            customer_id=ended.customer_id,
            lines=_stock_lines(ended.placements),
        ),
        aggregate_id=reservation_id,
        aggregate_version=ended.version,
    )
    return True


async def pin_hold(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
    """The order exists: its hold no longer expires by itself. A hold that is gone is told to the orders service."""
    order = envelope.data
    status = await store.pin_hold(uow.connection, order.order_id)
    if status not in {"held", "committed"}:
        await _reject(uow, order.order_id, order.customer_id, reason=status or "unknown")


async def commit_hold(uow: UnitOfWork, envelope: Envelope[OrderPaid]) -> None:
    """The order is paid: its units leave the stock. Without a live hold the order cannot be served."""
    order = envelope.data
    if await end_hold(uow, order.order_id, HoldOutcome.COMMITTED, reason="paid"):
        return
    found = await store.holds(uow.connection, [order.order_id])
    status = found[order.order_id].status if order.order_id in found else "unknown"
    if status != HoldOutcome.COMMITTED:
        await _reject(uow, order.order_id, order.customer_id, reason=status)


async def release_hold(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
    """The order is off: its units are free again, also when they had been committed."""
    order = envelope.data
    if await end_hold(uow, order.order_id, HoldOutcome.RELEASED, reason=order.reason):
        return
    restocked = await store.restock(uow, order.order_id)
    if restocked is not None:
        publish_released(uow, order.order_id, restocked, reason="restocked")


async def expired_holds(uow: UnitOfWork) -> list[UUID]:
    """Holds whose time is over and whose order never came."""
    return await store.expired_holds(uow.connection, rows_max=SWEEP_ROWS_MAX)


async def expire_holds(uow: UnitOfWork, reservation_ids: Sequence[UUID]) -> None:
    """End those that are still over by now; one that another sweeper is at is left to it."""
    for reservation_id in await store.lock_expired(uow.connection, reservation_ids):
        await end_hold(uow, reservation_id, HoldOutcome.EXPIRED, reason="expired")


async def reconcile(uow: UnitOfWork, *, sku: str, release: Sequence[UUID], reason: str) -> Reconciled:
    """Make a damaged SKU whole again: end the holds named, complete the movements, recount the stock from them.

    All or nothing, and a second time changes nothing. Raises `Irreconcilable` when even then more units are held than
    there are: more holds must be named first.
    """
    await store.lock_levels(uow.connection, [sku])
    ended = 0
    for reservation_id in release:
        hold = await store.force_end(uow.connection, reservation_id, reason=reason)
        if hold is None:
            continue
        ended += 1
        publish_released(uow, reservation_id, hold, reason=HoldOutcome.RELEASED.value)
    completed = await store.complete_movements(uow.connection, sku)
    try:
        recounted = await store.recount(uow.connection, sku)
    except asyncpg.CheckViolationError as error:
        raise Irreconcilable(f"more units of {sku} are held than exist; end more holds", sku=sku) from error
    return Reconciled(ended, completed, recounted)


async def receive_stock(uow: UnitOfWork, *, sku: str, quantity: int, warehouse: str, reference: str) -> store.Receipt:
    """Book goods in, once per reference. Raises `InvalidQuantity`, `UnknownSku`, `ReceiptMismatch`."""
    checked_quantity(quantity, sku=sku, at_most=RECEIPT_QUANTITY_MAX)
    receipt = await store.receive(uow.connection, warehouse=warehouse, sku=sku, quantity=quantity, reference=reference)
    if receipt.fresh:
        uow.publish(
            StockAdjusted(
                sku=sku,
                warehouse=warehouse,
                on_hand=receipt.on_hand,
                available=receipt.available,
                quantity=quantity,
            ),
            aggregate_id=f"{warehouse}/{sku}",
            aggregate_version=receipt.version,
        )
    return receipt


async def learn_skus(uow: UnitOfWork, envelope: Envelope[ProductUpserted]) -> None:
    """Goods of these variants may come in. What is archived stays known: its goods may come back."""
    for variant in envelope.data.variants:
        uow.before_commit(store.learn_skus, variant.sku)


async def _reject(uow: UnitOfWork, order_id: UUID, customer_id: UUID, *, reason: str) -> None:
    """Tell that an order cannot be served; an unknown reservation is stored as ended, so that it counts its events."""
    await store.forestall(uow.connection, order_id, reason=reason)
    version = await store.next_version(uow.connection, order_id)
    uow.publish(
        InventoryRejected(reservation_id=order_id, order_id=order_id, customer_id=customer_id, lines=[], reason=reason),
        aggregate_id=order_id,
        aggregate_version=version,
    )


def publish_released(uow: UnitOfWork, reservation_id: UUID, hold: store.EndedHold, *, reason: str) -> None:
    """Tell that units are free again."""
    uow.publish(
        InventoryReleased(
            reservation_id=reservation_id,
            order_id=reservation_id,
            customer_id=hold.customer_id,
            lines=_stock_lines(hold.placements),
            reason=reason,
        ),
        aggregate_id=reservation_id,
        aggregate_version=hold.version,
    )


def _publish_reserved(uow: UnitOfWork, hold: Hold) -> None:
    uow.publish(
        InventoryReserved(
            reservation_id=hold.reservation_id,
            order_id=hold.reservation_id,
            customer_id=hold.customer_id,
            lines=_stock_lines(hold.placements),
            expires_at=hold.expires_at,
        ),
        aggregate_id=hold.reservation_id,
        aggregate_version=1,
    )


def _new_hold(request: HoldRequest, placements: tuple[Placement, ...], expiries: Mapping[UUID, datetime]) -> Hold:
    return Hold(
        reservation_id=request.reservation_id,
        customer_id=request.customer_id,
        status="held",
        expires_at=expiries[request.reservation_id],
        placements=placements,
    )


def _with_expiry(hold: Hold, expiries: Mapping[UUID, datetime]) -> Hold:
    return Hold(
        reservation_id=hold.reservation_id,
        customer_id=hold.customer_id,
        status=hold.status,
        expires_at=expiries[hold.reservation_id],
        placements=hold.placements,
    )


def _stock_lines(placements: Sequence[Placement]) -> list[StockLine]:
    return [
        StockLine(sku=placement.sku, quantity=placement.quantity, warehouse=placement.warehouse)
        for placement in placements
    ]
