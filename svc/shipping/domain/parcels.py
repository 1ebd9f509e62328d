"""Which way a parcel may go, and what an answer of the carrier does to it. Pure."""

from enum import StrEnum

import msgspec

from shared.back_off import BackOff
from shared.errors import Kind, Refusal

PARCEL_WEIGHT_G_MAX = 70_000
BACK_OFF = BackOff(first_s=0.25, max_s=5.0)
REVIEW_AFTER_ATTEMPTS = 20


class UnknownShipment(Refusal):
    code = "unknown_shipment"
    kind = Kind.NOT_FOUND


class ShipmentStatus(StrEnum):
    CREATED = "created"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Direction(StrEnum):
    """`return`: the customer sends goods back with our label; the carrier never gets it from us."""

    OUTBOUND = "outbound"
    RETURN = "return"


WAY = (
    ShipmentStatus.CREATED,
    ShipmentStatus.LABELLED,
    ShipmentStatus.HANDED_OVER,
    ShipmentStatus.IN_TRANSIT,
    ShipmentStatus.DELIVERED,
)
"""The way of a parcel that arrives; only what the carrier does not have yet can be cancelled."""
IN_HOUSE = frozenset({ShipmentStatus.CREATED, ShipmentStatus.LABELLED})
WITH_CARRIER = frozenset(ShipmentStatus) - IN_HOUSE - {ShipmentStatus.CANCELLED}
"""What left the house, wherever it is by now."""


class Withholding(StrEnum):
    """The answer to the wish to keep an order's goods here; `undecided`: the carrier may just be taking them."""

    WITHHELD = "withheld"
    TOO_LATE = "too_late"
    UNDECIDED = "undecided"


class Call(StrEnum):
    """How the shipment's current call to the carrier stands; `unknown`: its answer never came."""

    NONE = "none"
    UNDER_WAY = "under_way"
    UNKNOWN = "unknown"


class Labelled(msgspec.Struct, frozen=True):
    """The carrier made the label."""

    tracking_number: str
    label_url: str


class HandedOver(msgspec.Struct, frozen=True):
    """The carrier has the parcel."""


class Reported(msgspec.Struct, frozen=True):
    """The carrier told by itself how far the parcel is."""

    status: ShipmentStatus


class StillHere(msgspec.Struct, frozen=True):
    """The carrier was asked and does not have the parcel."""


class Absent(msgspec.Struct, frozen=True):
    """The carrier was asked and knows no label."""


class InDoubt(msgspec.Struct, frozen=True):
    """The call may have taken effect."""

    detail: str


class NotSent(msgspec.Struct, frozen=True):
    """The call certainly never reached the carrier."""

    detail: str


class Refused(msgspec.Struct, frozen=True):
    """The carrier will not do it as asked."""

    code: str


Outcome = Labelled | HandedOver | Reported | StillHere | Absent | InDoubt | NotSent | Refused


def steps_to(current: ShipmentStatus, reached: ShipmentStatus) -> tuple[ShipmentStatus, ...]:
    """The statuses a parcel passes from `current` to `reached`; empty when it is there or further on.

    A parcel that was delivered was handed over before, even if nobody told. What is lost may be found: it arrives after
    all or comes back. What came back goes nowhere any more, and nothing is lost after it arrived.
    """
    match current, reached:
        case ShipmentStatus.LOST, ShipmentStatus.DELIVERED | ShipmentStatus.RETURNED:
            return (reached,)
        case _ if current not in WAY:
            return ()
        case ShipmentStatus.DELIVERED, ShipmentStatus.LOST:
            return ()
        case _, ShipmentStatus.LOST | ShipmentStatus.RETURNED:
            return (*steps_to(current, ShipmentStatus.HANDED_OVER), reached)
        case _:
            return WAY[WAY.index(current) + 1 : WAY.index(reached) + 1]
