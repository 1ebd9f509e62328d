"""One call to the carrier and what it means. Outside any transaction; stores nothing."""

from collections.abc import Awaitable

from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.partner_client import PartnerRefusal
from svc.shipping.clients import Carrier, Label
from svc.shipping.domain.parcels import (
    Absent,
    Call,
    Direction,
    HandedOver,
    InDoubt,
    Labelled,
    NotSent,
    Outcome,
    Refused,
    ShipmentStatus,
    StillHere,
)
from svc.shipping.store.shipments import Shipment

LABEL_STATUS = "label"
RETURN_SERVICE = "return"
"""The carrier turns the way around: from the address to us."""


async def carry(carrier: Carrier, shipment: Shipment) -> Outcome:
    """The next step of a claimed shipment at the carrier, or the question what became of the last one.

    A label in doubt is asked about, never ordered blindly again. A hand-over may be repeated as it is, unless the
    order was cancelled meanwhile.
    """
    if shipment.status is ShipmentStatus.CREATED:
        return await (_ask_label(carrier, shipment) if shipment.call is Call.UNKNOWN else _label(carrier, shipment))
    assert shipment.tracking_number is not None, "labelled shipments have a tracking number"
    if shipment.cancel_requested:
        return await _ask_whereabouts(carrier, shipment.tracking_number)
    answer = await _answer_to(carrier.hand_over(shipment.tracking_number))
    return HandedOver() if isinstance(answer, Label) else answer


async def _label(carrier: Carrier, shipment: Shipment) -> Outcome:
    answer = await _answer_to(
        carrier.label(
            shipment.id,
            order_id=shipment.order_id,
            address=shipment.address,
            weight_g=shipment.weight_g,
            service=RETURN_SERVICE if shipment.direction is Direction.RETURN else shipment.method,
            idempotency_key=f"label-{shipment.id}",
        )
    )
    return Labelled(answer.tracking_number, answer.label_url) if isinstance(answer, Label) else answer


async def _ask_label(carrier: Carrier, shipment: Shipment) -> Outcome:
    try:
        found = await carrier.labels_of(shipment.id)
    except (PartnerRefusal, RemoteUnavailableError, RemoteTimeoutError) as error:
        return InDoubt(f"asking failed: {error}")
    return Labelled(found[0].tracking_number, found[0].label_url) if found else Absent()


async def _ask_whereabouts(carrier: Carrier, tracking_number: str) -> Outcome:
    try:
        parcel = await carrier.track(tracking_number)
    except (PartnerRefusal, RemoteUnavailableError, RemoteTimeoutError) as error:
        return InDoubt(f"asking failed: {error}")
    return StillHere() if parcel.status == LABEL_STATUS else HandedOver()


async def _answer_to(call: Awaitable[Label]) -> Label | InDoubt | NotSent | Refused:
    try:
        return await call
    except PartnerRefusal as refusal:
        return Refused(refusal.code) if refusal.final else NotSent(str(refusal))
    except RemoteUnavailableError as error:
        return InDoubt(str(error)) if error.effect_possible else NotSent(str(error))
    except RemoteTimeoutError as error:
        return InDoubt(str(error))
