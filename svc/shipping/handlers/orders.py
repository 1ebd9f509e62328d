"""What orders do to parcels: a paid one is sent, a cancelled one is not."""

from uuid import UUID

from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import derived_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.shipping.domain import ITEM_WEIGHT_G, PARCEL_WEIGHT_G_MAX, WITH_CARRIER, Call, ShipmentStatus, Withholding
from svc.shipping.store import shipments
from svc.shipping.store.shipments import NewShipment


async def send_parcel(uow: UnitOfWork, envelope: Envelope[OrderPaid], *, carrier: str) -> None:
    """The order is paid: a parcel is to be labelled and handed over, once, unless the order was cancelled before."""
    order = envelope.data
    await shipments.lock_order(uow.connection, order.order_id)
    await shipments.note_paid(uow.connection, order.order_id, order.payment_id)
    if await shipments.is_cancelled(uow.connection, order.order_id):
        return
    weight_g = max(1, sum(line.quantity for line in order.lines)) * ITEM_WEIGHT_G
    await shipments.insert(
        uow.connection,
        NewShipment(
            id=derived_id("shipment", order.order_id, 1),
            order_id=order.order_id,
            number=1,
            order_number=order.order_number,
            customer_id=order.customer_id,
            email=order.email,
            address=order.shipping_address,
            method=order.shipping_method,
            weight_g=min(weight_g, PARCEL_WEIGHT_G_MAX),
            carrier=carrier,
            traceparent=current_traceparent(),
        ),
    )


async def keep_parcel(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
    """The order is off: what the carrier does not have stays here."""
    await withhold(uow, envelope.data.order_id)


async def withhold(uow: UnitOfWork, order_id: UUID) -> Withholding:
    """Keep an order's goods here, all of them or none, and say whether they are; repeating it changes nothing.

    While the carrier may just be taking a parcel the answer is `undecided`: ask again. Once it is `withheld` no parcel
    of the order will ever leave; an order.paid that comes later sends nothing.
    """
    await shipments.lock_order(uow.connection, order_id)
    parcels = await shipments.lock_of_order(uow.connection, order_id)
    if any(parcel.status in WITH_CARRIER for parcel in parcels):
        return Withholding.TOO_LATE
    labelled = [parcel for parcel in parcels if parcel.status is ShipmentStatus.LABELLED]
    in_doubt = [parcel for parcel in labelled if parcel.call is not Call.NONE]
    for parcel in in_doubt:
        await shipments.request_cancel(uow.connection, parcel.id)
    if in_doubt:
        return Withholding.UNDECIDED
    await shipments.note_cancelled(uow.connection, order_id)
    for parcel in parcels:
        await shipments.cancel(uow.connection, parcel.id)
    return Withholding.WITHHELD
