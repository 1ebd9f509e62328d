"""What orders do to parcels: a paid one is sent, a cancelled one is not."""

from shared.contracts import Envelope
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import derived_id
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.shipping.domain import ITEM_WEIGHT_G, PARCEL_WEIGHT_G_MAX, Call, ShipmentStatus
from svc.shipping.store import shipments
from svc.shipping.store.shipments import NewShipment


async def send_parcel(uow: UnitOfWork, envelope: Envelope[OrderPaid], *, carrier: str) -> None:
    """The order is paid: a parcel is to be labelled and handed over, once, unless the order was cancelled before."""
    order = envelope.data
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
    order = envelope.data
    await shipments.note_cancelled(uow.connection, order.order_id)
    for shipment in await shipments.lock_of_order(uow.connection, order.order_id):
        if shipment.status is ShipmentStatus.LABELLED and shipment.call is not Call.NONE:
            await shipments.request_cancel(uow.connection, shipment.id)  # the driver may have it by now
        else:
            await shipments.cancel(uow.connection, shipment.id)
