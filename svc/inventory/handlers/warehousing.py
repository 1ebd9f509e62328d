"""The staff's work with the shelves: imports, transfers, counts, rules and alerts; and goods that come back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import structlog

from shared.contracts import Envelope
from shared.contracts.inventory import StockAdjusted, StockLow
from shared.contracts.shipping import ReturnReceived
from shared.errors import Refusal
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork
from svc.inventory import handlers, store
from svc.inventory.domain import (
    RECEIPT_QUANTITY_MAX,
    HoldOutcome,
    InsufficientStock,
    Placement,
    ReservationEnded,
    UnknownReservation,
    checked_quantity,
    untold,
)
from svc.inventory.domain.warehousing import (
    Delivery,
    TakeIsClosed,
    TakeIsOpen,
    TransferMismatch,
    TransferToItself,
    UnitsPromised,
    UnknownTake,
    UnknownWarehouse,
    mismatch,
    refused,
)
from svc.inventory.store import StockChange, warehousing
from svc.inventory.store.warehousing import Changed, Rules, Take, Transfer, WarehousePolicy

CROSSINGS_MAX = 100

log = structlog.get_logger(__name__)


async def import_stock(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> list[bool | Refusal]:
    """Book many deliveries in with a number of statements that does not grow with theirs; one answer each.

    True: booked; False: its reference was booked before. Refusals come back as values, and what they refuse is not
    booked while the rest is: `InvalidQuantity`, `UnknownSku`, `ReceiptMismatch`.
    """
    unknown = await warehousing.unknown_skus(uow.connection, [delivery.sku for delivery in deliveries])
    refusals = refused(deliveries, unknown)
    wanted = {delivery.reference: delivery for place, delivery in enumerate(deliveries) if place not in refusals}
    fresh: set[str] = set()
    booked: dict[str, Delivery] = {}
    if wanted:
        await warehousing.make_rows(uow.connection, [(one.warehouse, one.sku) for one in wanted.values()])
        fresh = await warehousing.book_receipts(uow.connection, list(wanted.values()))
    if wanted.keys() - fresh:
        booked = await warehousing.receipts(uow.connection, sorted(wanted.keys() - fresh))
    if fresh:
        arrived = [(one.warehouse, one.sku, one.quantity) for one in wanted.values() if one.reference in fresh]
        _tell(uow, await warehousing.change(uow.connection, arrived))
    answers: list[bool | Refusal] = []
    told: set[str] = set()
    for place, delivery in enumerate(deliveries):
        reference = delivery.reference
        if place in refusals:
            answers.append(refusals[place])
        elif reference in fresh:
            answers.append(reference not in told)
            told.add(reference)
        else:
            answers.append(False if booked.get(reference) == delivery else mismatch(reference))
    return answers


async def limit_purchases(uow: UnitOfWork, limits: Mapping[str, int]) -> None:
    """Limit what one customer may hold and buy of each SKU."""
    if limits:
        await warehousing.set_limits(uow.connection, limits)


async def arrange(uow: UnitOfWork, warehouse: WarehousePolicy) -> None:
    """Make a warehouse or change whom it serves first; holds that are placed stay where they are."""
    await warehousing.put_warehouse(uow.connection, warehouse)


async def transfer(uow: UnitOfWork, wish: Transfer) -> None:
    """Move free units to another warehouse: two movements or none, once per reference.

    Raises `InvalidQuantity`, `TransferToItself`, `UnknownSku`, `UnknownWarehouse`, `InsufficientStock`,
    `TransferMismatch`.
    """
    checked_quantity(wish.quantity, sku=wish.sku, at_most=RECEIPT_QUANTITY_MAX)
    if wish.source == wish.target:
        raise TransferToItself("the goods are there already", warehouse=wish.target)
    if await store.unknown_sku(uow.connection, [wish.sku]) is not None:
        raise untold(wish.sku)
    await warehousing.add_place(uow.connection, wish.target, wish.sku)
    free = await warehousing.free_units(uow.connection, wish.sku, [wish.source, wish.target])
    for warehouse in (wish.source, wish.target):
        if warehouse not in free:
            raise UnknownWarehouse(f"{warehouse!r} has no shelf for {wish.sku}", warehouse=warehouse)
    made = await warehousing.insert_transfer(uow.connection, wish)
    if made is not None:
        if made != wish:
            raise TransferMismatch("the reference stands for another transfer", reference=wish.reference)
        return
    if free[wish.source] < wish.quantity:
        raise InsufficientStock(
            f"{max(0, free[wish.source])} of {wish.sku} are free at {wish.source}",
            sku=wish.sku,
            requested=wish.quantity,
            available=max(0, free[wish.source]),
        )
    moved = [(wish.source, wish.sku, -wish.quantity), (wish.target, wish.sku, wish.quantity)]
    _tell(uow, await warehousing.change(uow.connection, moved))


async def open_take(uow: UnitOfWork, *, warehouse: str, sku: str) -> Take:
    """Begin to count what is on the shelf now. Raises `TakeIsOpen`, `UnknownWarehouse`."""
    try:
        take = await warehousing.open_take(uow.connection, new_id(), warehouse=warehouse, sku=sku)
    except asyncpg.UniqueViolationError as error:
        raise TakeIsOpen(f"{sku} is being counted at {warehouse}", sku=sku, warehouse=warehouse) from error
    if take is None:
        raise UnknownWarehouse(f"{warehouse!r} has no shelf for {sku}", warehouse=warehouse)
    return take


async def count(uow: UnitOfWork, take_id: UUID, counted: int) -> Take:
    """Book the difference between what was counted and what was on hand when the take was opened, once.

    Units sold, received or moved meanwhile stay so: the difference is added, nothing is set. Raises `UnknownTake`,
    `TakeIsClosed`, `UnitsPromised`.
    """
    take = await _locked_take(uow, take_id)
    if take.closed_at is not None:
        if take.counted != counted:
            raise TakeIsClosed("this count is closed; open another", counted=take.counted)
        return take
    closed = await warehousing.close_take(uow.connection, take_id, counted=counted)
    variance = counted - take.expected
    if variance:
        await warehousing.adjust(uow.connection, take, variance)
        try:
            _tell(uow, await warehousing.change(uow.connection, [(take.warehouse, take.sku, variance)]))
        except asyncpg.CheckViolationError as error:
            raise UnitsPromised(f"more of {take.sku} are promised than were counted", sku=take.sku) from error
    return closed


async def give_up_take(uow: UnitOfWork, take_id: UUID) -> Take:
    """Close a take without a count; again changes nothing. Raises `UnknownTake`, `TakeIsClosed` when it was booked."""
    take = await _locked_take(uow, take_id)
    if take.counted is not None:
        raise TakeIsClosed("this count is booked", counted=take.counted)
    return take if take.closed_at else await warehousing.close_take(uow.connection, take_id, counted=None)


async def set_rules(uow: UnitOfWork, rules: Rules) -> None:
    """Set what is never promised, what may be sold ahead, and when to raise the alarm.

    Raises `UnknownSku`, `UnknownWarehouse`, and `UnitsPromised` when more was sold ahead than may be from now on.
    """
    if await store.unknown_sku(uow.connection, [rules.sku]) is not None:
        raise untold(rules.sku)
    await warehousing.add_place(uow.connection, rules.warehouse, rules.sku)
    try:
        if not await warehousing.set_rules(uow.connection, rules):
            raise UnknownWarehouse(f"there is no warehouse {rules.warehouse!r}", warehouse=rules.warehouse)
    except asyncpg.CheckViolationError as error:
        raise UnitsPromised(f"more of {rules.sku} are sold ahead already", sku=rules.sku) from error


async def raise_alarms(uow: UnitOfWork) -> int:
    """Tell of shelves that ran low since the last look, each crossing once; gives how many crossed either way."""
    crossings = await warehousing.crossings(uow.connection, rows_max=CROSSINGS_MAX)
    for crossing in crossings:
        if crossing.low_told:
            uow.publish(
                StockLow(
                    sku=crossing.sku,
                    warehouse=crossing.warehouse,
                    on_hand=crossing.on_hand,
                    available=crossing.available,
                    low_at=crossing.low_at,
                ),
                aggregate_id=f"{crossing.warehouse}/{crossing.sku}",
                aggregate_version=crossing.version,
            )
    return len(crossings)


async def take_back(uow: UnitOfWork, envelope: Envelope[ReturnReceived]) -> None:
    """Goods of a sold order are in the house again: put them where they came from, no more than were sold, once.

    Of an order that is undone as a whole everything is back already. Raises `UnknownReservation`, `ReservationEnded`:
    goods that were never sold are a matter for people.
    """
    back = envelope.data
    sold = await warehousing.lock_sold(uow.connection, back.order_id, str(back.shipment_id))
    if sold is None:
        raise UnknownReservation("goods came back of an order that held none")
    if sold.restocked or sold.returned:
        return
    if sold.status != HoldOutcome.COMMITTED:
        raise ReservationEnded(f"goods came back of a reservation that is {sold.status}")
    missing: dict[str, int] = {}
    for line in back.lines:
        missing[line.sku] = missing.get(line.sku, 0) + line.quantity
    units: list[tuple[str, str, int]] = []
    for warehouse, sku, left in await warehousing.left_sold(uow.connection, back.order_id):
        taken = min(left, missing.get(sku, 0))
        if taken > 0:
            units.append((warehouse, sku, taken))
            missing[sku] -= taken
    if any(missing.values()):
        log.warning("more_came_back_than_was_sold", order_id=back.order_id, shipment_id=back.shipment_id)
    if not units:
        return
    await warehousing.return_units(uow.connection, back.order_id, str(back.shipment_id), units)
    for warehouse, sku, quantity in units:
        uow.before_commit(store.change_stock, StockChange(warehouse, sku, quantity, 0))
    handlers.publish_released(
        uow,
        back.order_id,
        store.EndedHold(
            sold.customer_id,
            await store.next_version(uow.connection, back.order_id),
            tuple(Placement(*unit) for unit in units),
        ),
        reason="restocked",
    )


async def _locked_take(uow: UnitOfWork, take_id: UUID) -> Take:
    take = await warehousing.lock_take(uow.connection, take_id)
    if take is None:
        raise UnknownTake("there is no such count")
    return take


def _tell(uow: UnitOfWork, changes: Sequence[Changed]) -> None:
    for changed in changes:
        uow.publish(
            StockAdjusted(
                sku=changed.sku,
                warehouse=changed.warehouse,
                on_hand=changed.on_hand,
                available=changed.available,
                quantity=changed.quantity,
            ),
            aggregate_id=f"{changed.warehouse}/{changed.sku}",
            aggregate_version=changed.version,
        )
