"""What orders do to parcels: a paid one is sent, a cancelled one is not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from shared.contracts import Address, Envelope
from shared.contracts.inventory import InventoryReserved
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import derived_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.shipping.domain.addresses import AddressFixed, InvalidAddress, PostalAddress
from svc.shipping.domain.packing import NOTHING, Package, pack
from svc.shipping.domain.parcels import (
    IN_HOUSE,
    PARCEL_WEIGHT_G_MAX,
    WITH_CARRIER,
    Call,
    Direction,
    ShipmentStatus,
    UnknownShipment,
    Withholding,
)
from svc.shipping.domain.promises import deliver_by
from svc.shipping.domain.returns import Content
from svc.shipping.handlers.quoting import checked_address
from svc.shipping.store import packing, quotes, shipments
from svc.shipping.store.packing import Placed
from svc.shipping.store.shipments import NewShipment, Shipment


async def learn_placement(uow: UnitOfWork, envelope: Envelope[InventoryReserved]) -> None:
    """The goods of an order lie at these warehouses; each sends a parcel of its own once the order is paid."""
    placed = [Placed(line.sku, line.quantity, line.warehouse) for line in envelope.data.lines]
    await packing.place(uow.connection, envelope.data.order_id, placed)


async def send_parcel(uow: UnitOfWork, envelope: Envelope[OrderPaid], *, carrier: str) -> None:
    """The order is paid: its parcels are to be labelled and handed over, once, unless the order was cancelled before.

    One box or more for each warehouse that holds goods of it. Without word of the warehouses the goods count as lying
    together. The quote that the order was placed at names the carrier and the day.
    """
    order = envelope.data
    await shipments.lock_order(uow.connection, order.order_id)
    await shipments.note_paid(uow.connection, order.order_id, order.payment_id)
    if await shipments.is_settled(uow.connection, order.order_id):
        return
    plan = await packing.plan(
        uow.connection,
        order.order_id,
        country=order.shipping_address.country,
        method=order.shipping_method,
        quote_id=order.shipping_quote_id,
    )
    if order.shipping_quote_id is not None:
        await quotes.use(uow.connection, order.shipping_quote_id, order.order_id)
    promised_for = plan.deliver_by
    if promised_for is None and plan.days_max is not None:
        promised_for = deliver_by(datetime.now(UTC), days_max=plan.days_max)
    packed = await _packed(uow, order, plan.placed)
    await shipments.insert(
        uow.connection,
        [
            NewShipment(
                id=derived_id("shipment", order.order_id, number),
                order_id=order.order_id,
                number=number,
                order_number=order.order_number,
                customer_id=order.customer_id,
                email=order.email,
                address=order.shipping_address,
                method=order.shipping_method,
                weight_g=min(package.weight_g, PARCEL_WEIGHT_G_MAX),
                carrier=plan.carrier or carrier,
                traceparent=current_traceparent(),
                warehouse=warehouse,
                box=package.box.code if package.box else None,
                lines=tuple(Content(sku, quantity) for sku, quantity in package.contents),
                promised_for=promised_for,
            )
            for number, (warehouse, package) in enumerate(packed, start=1)
        ],
    )


async def keep_parcel(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
    """The order is off: what the carrier does not have stays here."""
    order_id = envelope.data.order_id
    if await withhold(uow, order_id) is Withholding.WITHHELD:
        return
    await shipments.note_cancelled(uow.connection, order_id)
    for parcel in await shipments.lock_of_order(uow.connection, order_id):
        if parcel.status is ShipmentStatus.LABELLED and parcel.call is not Call.NONE:
            await shipments.request_cancel(uow.connection, [parcel.id])
        else:
            await shipments.cancel(uow.connection, parcel.id)


async def redirect(uow: UnitOfWork, shipment_id: UUID, address: PostalAddress, *, customer_id: UUID | None) -> Shipment:
    """Send all parcels of the order elsewhere in the same country, or none; `customer_id` None is the staff.

    Invariant: no label is bought with another address than the parcel has. Raises `UnknownShipment`, `AddressFixed`
    once a label may have been bought, `InvalidAddress`.
    """
    asked = await shipments.of_id(uow.connection, shipment_id)
    if asked is None or customer_id not in {None, asked.customer_id} or asked.direction is Direction.RETURN:
        raise UnknownShipment("there is no such shipment")
    if address.country != asked.address.country:
        raise InvalidAddress("tax and postage were figured for the country", field="country")
    checked = await checked_address(uow.connection, address)
    parcels = await shipments.lock_of_order(uow.connection, asked.order_id)
    if any(parcel.status is not ShipmentStatus.CREATED or parcel.call is not Call.NONE for parcel in parcels):
        raise AddressFixed("a label was asked for already", status=asked.status.value)
    await shipments.readdress(
        uow.connection, [parcel.id for parcel in parcels], Address(**msgspec.structs.asdict(checked))
    )
    return replace(asked, address=Address(**msgspec.structs.asdict(checked)))


async def withhold(uow: UnitOfWork, order_id: UUID) -> Withholding:
    """Keep an order's goods here, all of them or none, and say whether they are; repeating it changes nothing.

    While the carrier may just be taking a parcel the answer is `undecided`: ask again; none of the order's parcels is
    handed over meanwhile. Once it is `withheld` no parcel of the order will ever leave; an order.paid that comes later
    sends nothing. When one has left, `too_late`, the others follow.
    """
    await shipments.lock_order(uow.connection, order_id)
    parcels = await shipments.lock_of_order(uow.connection, order_id)
    here = [parcel.id for parcel in parcels if parcel.status in IN_HOUSE]
    if any(parcel.status in WITH_CARRIER for parcel in parcels):
        await shipments.go_on(uow.connection, here)
        return Withholding.TOO_LATE
    if any(parcel.status is ShipmentStatus.LABELLED and parcel.call is not Call.NONE for parcel in parcels):
        await shipments.request_cancel(uow.connection, here)
        return Withholding.UNDECIDED
    await shipments.note_cancelled(uow.connection, order_id)
    for parcel in parcels:
        await shipments.cancel(uow.connection, parcel.id)
    return Withholding.WITHHELD


async def _packed(uow: UnitOfWork, order: OrderPaid, placed: Sequence[Placed]) -> list[tuple[str, Package]]:
    """Each warehouse's boxes; the same goods always give the same."""
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    by_warehouse: dict[str, dict[str, int]] = {}
    for place in placed:
        at = by_warehouse.setdefault(place.warehouse, {})
        at[place.sku] = at.get(place.sku, 0) + place.quantity
    found: dict[str, int] = {}
    for at in by_warehouse.values():
        for sku, quantity in at.items():
            found[sku] = found.get(sku, 0) + quantity
    if found != wanted:
        by_warehouse = {"": wanted}
    goods = {item.sku: item for item in await packing.items(uow.connection, [(sku, 1) for sku in wanted])}
    boxes = await packing.boxes(uow.connection)
    packed: list[tuple[str, Package]] = []
    for warehouse, at in sorted(by_warehouse.items()):
        items = [replace(goods[sku], quantity=quantity) for sku, quantity in at.items()]
        packed += [(warehouse, package) for package in pack(items, boxes)]
    return packed or [("", NOTHING)]
