"""Return labels: goods that the customer sends back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from svc.shipping.domain.parcels import Direction, ShipmentStatus, UnknownShipment
from svc.shipping.domain.returns import Content, ReturnMismatch, check_contents, check_return
from svc.shipping.store import packing, shipments
from svc.shipping.store.shipments import NewShipment, Shipment

DEAD = frozenset({ShipmentStatus.CANCELLED, ShipmentStatus.LOST})
"""What of a return no longer counts as coming."""


class ReturnWish(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the customer's, so that a repeated wish is the same return."""

    id: UUID
    lines: tuple[Content, ...]
    reason: str


async def open_return(
    uow: UnitOfWork, shipment_id: UUID, wish: ReturnWish, *, customer_id: UUID | None, window_s: float
) -> Shipment:
    """Announce that goods of a delivered parcel come back; its label is bought like any other, in a moment.

    `customer_id` None is the staff. Invariant: no more of a SKU comes back than the parcel had. Raises
    `UnknownShipment`, `NotReturnable`, `ReturnWindowOver`, `ReturnExceedsShipment`, `ReturnMismatch`.
    """
    sent = await shipments.of_id(uow.connection, shipment_id)
    if sent is None or customer_id not in {None, sent.customer_id}:
        raise UnknownShipment("there is no such shipment")
    await shipments.lock_order(uow.connection, sent.order_id)
    known = await shipments.of_id(uow.connection, wish.id)
    if known is not None:
        if (known.return_of, known.lines) != (shipment_id, wish.lines):
            raise ReturnMismatch("this id stands for another return")
        return known
    check_return(
        status=sent.status,
        is_return=sent.direction is Direction.RETURN,
        delivered_at=await shipments.delivered_at(uow.connection, shipment_id),
        now=datetime.now(UTC),
        window_s=window_s,
    )
    under_way = [one for one in await shipments.returns_of(uow.connection, shipment_id) if one.status not in DEAD]
    check_contents(sent.lines, [content for one in under_way for content in one.lines], wished(wish.lines))
    items = await packing.items(uow.connection, [(content.sku, content.quantity) for content in wish.lines])
    await shipments.insert(
        uow.connection,
        [
            NewShipment(
                id=wish.id,
                order_id=sent.order_id,
                number=await shipments.next_number(uow.connection, sent.order_id),
                order_number=sent.order_number,
                customer_id=sent.customer_id,
                email=sent.email,
                address=sent.address,
                method=sent.method,
                weight_g=min(sum(item.weight_g * item.quantity for item in items), sent.weight_g),
                carrier=sent.carrier,
                traceparent=current_traceparent(),
                direction=Direction.RETURN,
                warehouse=sent.warehouse,
                lines=wish.lines,
                return_of=shipment_id,
                return_reason=wish.reason,
            )
        ],
    )
    opened = await shipments.of_id(uow.connection, wish.id)
    assert opened is not None, "stored just now, under the lock of its order"
    return opened


def wished(lines: Sequence[Content]) -> dict[str, int]:
    """Pieces per SKU."""
    total: dict[str, int] = {}
    for content in lines:
        total[content.sku] = total.get(content.sku, 0) + content.quantity
    return total
