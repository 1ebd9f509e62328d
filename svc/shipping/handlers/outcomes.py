"""The one way a shipment moves: the carrier's answers, its webhooks and look-ups all come through here."""

from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import structlog

from shared.contracts import StockLine
from shared.contracts.shipping import (
    ReturnReceived,
    ShipmentCreated,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentFact,
    ShipmentLost,
)
from shared.unit_of_work import UnitOfWork
from svc.shipping.domain.parcels import (
    BACK_OFF,
    REVIEW_AFTER_ATTEMPTS,
    Absent,
    Call,
    Direction,
    HandedOver,
    InDoubt,
    Labelled,
    NotSent,
    Outcome,
    Refused,
    Reported,
    ShipmentStatus,
    StillHere,
    UnknownShipment,
    steps_to,
)
from svc.shipping.settings import Settings
from svc.shipping.store import shipments
from svc.shipping.store.shipments import Shipment

ASK_AGAIN_S = 0.5
REST_S = 30.0
"""How long a parcel that may stay waits to hear of the others; whoever asked comes back sooner."""

log = structlog.get_logger(__name__)

_ANNOUNCED_BY: dict[tuple[Direction, ShipmentStatus], type[ShipmentFact]] = {
    (Direction.OUTBOUND, ShipmentStatus.HANDED_OVER): ShipmentDispatched,
    (Direction.OUTBOUND, ShipmentStatus.DELIVERED): ShipmentDelivered,
    (Direction.OUTBOUND, ShipmentStatus.LOST): ShipmentLost,
    (Direction.OUTBOUND, ShipmentStatus.RETURNED): ReturnReceived,
    (Direction.RETURN, ShipmentStatus.DELIVERED): ReturnReceived,
}
"""Goods are back when a parcel came back to us, or when one that the customer sent back has arrived."""


class Effect(StrEnum):
    """What an outcome or webhook did."""

    MOVED = "applied"
    WAITS = "waits"
    KNOWN = "known"
    REVIEW = "review"


class Apply(Protocol):
    """`apply_outcome`."""

    async def __call__(
        self, uow: UnitOfWork, shipment_id: UUID, outcome: Outcome, /, *, config: Settings
    ) -> Effect: ...


async def apply_outcome(uow: UnitOfWork, shipment_id: UUID, outcome: Outcome, /, *, config: Settings) -> Effect:
    """Let an answer of the carrier take effect, once; late and repeated ones change nothing.

    Raises `UnknownShipment`.
    """
    shipment = await shipments.lock(uow.connection, shipment_id)
    if shipment is None:
        raise UnknownShipment("there is no such shipment")
    match outcome:
        case Labelled():
            return await _label(uow, shipment, outcome, handover_delay_s=config.handover_delay_s)
        case HandedOver():
            return await _reach(uow, shipment, ShipmentStatus.HANDED_OVER)
        case Reported():
            return await _reach(uow, shipment, outcome.status)
        case Refused():
            await shipments.WORK.halt(uow.connection, shipment.id, f"the carrier refuses: {outcome.code}")
            log.error("shipment_needs_review", shipment_id=shipment.id, reason=outcome.code)
            return Effect.REVIEW
        case _:
            return await _wait(uow, shipment, outcome, absence_grace_s=config.absence_grace_s)


async def _reach(uow: UnitOfWork, shipment: Shipment, status: ShipmentStatus) -> Effect:
    """Move the locked shipment on to a status the carrier told of, through those between, and tell the fleet.

    A parcel the carrier has although it was cancelled here, or that never had a label, needs a person.
    """
    if shipment.status in {ShipmentStatus.CANCELLED, ShipmentStatus.CREATED}:
        await shipments.WORK.mark_for_review(uow.connection, shipment.id, f"{status} while {shipment.status}")
        log.error("shipment_needs_review", shipment_id=shipment.id, reason=f"{status} while {shipment.status}")
        return Effect.REVIEW
    steps = steps_to(shipment.status, status)
    current = shipment.status
    for following in steps:
        fact = _ANNOUNCED_BY.get((shipment.direction, following))
        version = await shipments.step(
            uow.connection, shipment.id, from_status=current, to_status=following, announced=fact is not None
        )
        assert version is not None, "the row is locked"
        if fact is not None:
            uow.publish(_fact(fact, shipment), aggregate_id=shipment.id, aggregate_version=version)
        current = following
    return Effect.MOVED if steps else Effect.KNOWN


async def _label(uow: UnitOfWork, shipment: Shipment, label: Labelled, *, handover_delay_s: float) -> Effect:
    version = await shipments.set_label(
        uow.connection,
        shipment.id,
        tracking_number=label.tracking_number,
        label_url=label.label_url,
        handover_delay_s=handover_delay_s,
    )
    if version is None:
        return Effect.KNOWN  # cancelled meanwhile: the label stays unused
    labelled = await shipments.of_id(uow.connection, shipment.id)
    assert labelled is not None
    if labelled.direction is Direction.OUTBOUND:
        uow.publish(_fact(ShipmentCreated, labelled), aggregate_id=shipment.id, aggregate_version=version)
    return Effect.MOVED


async def _wait(
    uow: UnitOfWork, shipment: Shipment, outcome: StillHere | Absent | InDoubt | NotSent, *, absence_grace_s: float
) -> Effect:
    if shipment.call is Call.NONE:
        return Effect.KNOWN
    if isinstance(outcome, InDoubt):
        delay_s = 0.0 if shipment.call is Call.UNDER_WAY else ASK_AGAIN_S
        await shipments.WORK.doubt(uow.connection, shipment.id, delay_s=delay_s)
        return Effect.WAITS
    if isinstance(outcome, StillHere | Absent):
        wait_s = absence_grace_s - await shipments.WORK.doubt_age_s(uow.connection, shipment.id)
        if wait_s > 0:
            await shipments.WORK.doubt(uow.connection, shipment.id, delay_s=wait_s)
            return Effect.WAITS
    if shipment.cancel_requested:
        if await shipments.may_stay_alone(uow.connection, shipment):
            await shipments.cancel(uow.connection, shipment.id)
            return Effect.MOVED
        await shipments.WORK.retry(uow.connection, shipment.id, delay_s=REST_S)
        return Effect.WAITS  # the order's parcels stay or go together: withhold decides when it is asked again
    if shipment.attempts == REVIEW_AFTER_ATTEMPTS:
        await shipments.WORK.mark_for_review(uow.connection, shipment.id, "the carrier has failed many times")
        log.error("shipment_needs_review", shipment_id=shipment.id, attempts=shipment.attempts)
    delay_s = BACK_OFF.delay_s(shipment.attempts) if isinstance(outcome, NotSent) else 0.0
    await shipments.WORK.retry(uow.connection, shipment.id, delay_s=delay_s)
    return Effect.WAITS


def _fact(event: type[ShipmentFact], shipment: Shipment) -> ShipmentFact:
    assert shipment.tracking_number is not None
    facts: dict[str, Any] = {
        "shipment_id": shipment.id,
        "order_id": shipment.order_id,
        "customer_id": shipment.customer_id,
        "email": shipment.email,
        "order_number": shipment.order_number,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
    }
    if event is ReturnReceived:
        facts["lines"] = [
            StockLine(sku=content.sku, quantity=content.quantity, warehouse=shipment.warehouse)
            for content in shipment.lines
        ]
    return event(**facts)
