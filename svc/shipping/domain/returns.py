"""Goods on their way back: what may come, and until when. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.errors import Kind, Refusal
from svc.shipping.domain.parcels import ShipmentStatus


class NotReturnable(Refusal):
    """The parcel has not arrived, or is one that comes back itself."""

    code = "not_returnable"
    kind = Kind.CONFLICT


class ReturnWindowOver(Refusal):
    code = "return_window_over"
    kind = Kind.CONFLICT


class ReturnExceedsShipment(Refusal):
    """More would come back than was in the parcel."""

    code = "return_exceeds_shipment"
    kind = Kind.UNPROCESSABLE


class ReturnMismatch(Refusal):
    """The id of a return came before with something else."""

    code = "return_mismatch"
    kind = Kind.UNPROCESSABLE


class Content(msgspec.Struct, frozen=True):
    """So many pieces in a parcel."""

    sku: str
    quantity: int


def check_return(
    *,
    status: ShipmentStatus,
    is_return: bool,
    delivered_at: datetime | None,
    now: datetime,
    window_s: float,
) -> None:
    """Raise `NotReturnable` or `ReturnWindowOver`."""
    if is_return or status is not ShipmentStatus.DELIVERED or delivered_at is None:
        raise NotReturnable("only what was delivered can be sent back", status=status.value)
    if now > delivered_at + timedelta(seconds=window_s):
        raise ReturnWindowOver("the time to send it back is over")


def check_contents(sent: Sequence[Content], back: Sequence[Content], wished: Mapping[str, int]) -> None:
    """Raise `ReturnExceedsShipment` when more of a SKU would come back than was sent."""
    left = {content.sku: content.quantity for content in sent}
    for content in back:
        left[content.sku] = left.get(content.sku, 0) - content.quantity
    for sku, quantity in sorted(wished.items()):
        if quantity > left.get(sku, 0):
            raise ReturnExceedsShipment(
                f"{max(0, left.get(sku, 0))} of {sku} can still be sent back",
                sku=sku,
                quantity_max=max(0, left.get(sku, 0)),
            )
