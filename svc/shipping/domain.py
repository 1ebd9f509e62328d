"""The rules of shipping: what a parcel costs, which way its status may go, what an answer of the carrier does. Pure."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from shared.back_off import BackOff
from shared.errors import Kind, Refusal

ITEM_WEIGHT_G = 500
"""What one item counts for while the catalog knows no weights."""
PARCEL_WEIGHT_G_MAX = 70_000
BACK_OFF = BackOff(first_s=0.25, max_s=5.0)
REVIEW_AFTER_ATTEMPTS = 20


class CountryNotServed(Refusal):
    code = "country_not_served"
    kind = Kind.UNPROCESSABLE


class CurrencyNotServed(Refusal):
    code = "currency_not_served"
    kind = Kind.UNPROCESSABLE


class UnknownShipment(Refusal):
    code = "unknown_shipment"
    kind = Kind.NOT_FOUND


class UnknownRate(Refusal):
    code = "unknown_rate"
    kind = Kind.NOT_FOUND


class UnknownZone(Refusal):
    code = "unknown_zone"
    kind = Kind.UNPROCESSABLE


class RateExists(Refusal):
    """Zone, method, currency and weight have a rate already."""

    code = "rate_exists"
    kind = Kind.CONFLICT


class ShipmentStatus(StrEnum):
    CREATED = "created"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


WAY = (
    ShipmentStatus.CREATED,
    ShipmentStatus.LABELLED,
    ShipmentStatus.HANDED_OVER,
    ShipmentStatus.IN_TRANSIT,
    ShipmentStatus.DELIVERED,
)
"""The one way forward; only what the carrier does not have yet can be cancelled."""
IN_HOUSE = frozenset({ShipmentStatus.CREATED, ShipmentStatus.LABELLED})
WITH_CARRIER = frozenset({ShipmentStatus.HANDED_OVER, ShipmentStatus.IN_TRANSIT, ShipmentStatus.DELIVERED})


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


class Band(msgspec.Struct, frozen=True):
    """One row of the rate table: the price of a parcel up to `weight_g_max`."""

    zone: str
    method: str
    weight_g_max: int
    amount_minor: int
    currency: str
    free_from_minor: int | None
    days_max: int


class Offer(msgspec.Struct, frozen=True):
    """What one method costs for a delivery of `parcels` parcels."""

    method: str
    amount_minor: int
    currency: str
    days_max: int
    parcels: int
    free: bool


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


def offers(bands: Sequence[Band], *, weight_g: int, subtotal_minor: int | None) -> list[Offer]:
    """The cheapest way to send the weight with each method, cheapest method first.

    More than the heaviest band is split into full parcels and a rest. A method is free from the
    `free_from_minor` of goods on that the last parcel's band names. Amounts in minor units, weights in grams.
    """
    found: list[Offer] = []
    for method in sorted({band.method for band in bands}):
        of_method = sorted((band for band in bands if band.method == method), key=lambda band: band.weight_g_max)
        heaviest = of_method[-1]
        full, rest_g = divmod(max(1, weight_g), heaviest.weight_g_max)
        rest = next((band for band in of_method if rest_g <= band.weight_g_max), heaviest) if rest_g else None
        amount_minor = full * heaviest.amount_minor + (rest.amount_minor if rest else 0)
        bound = (rest or heaviest).free_from_minor
        free = bound is not None and subtotal_minor is not None and subtotal_minor >= bound
        found.append(
            Offer(
                method=method,
                amount_minor=0 if free else amount_minor,
                currency=heaviest.currency,
                days_max=heaviest.days_max,
                parcels=full + (rest is not None),
                free=free,
            )
        )
    return sorted(found, key=lambda offer: (offer.amount_minor, offer.days_max, offer.method))


def steps_to(current: ShipmentStatus, reached: ShipmentStatus) -> tuple[ShipmentStatus, ...]:
    """The statuses a parcel passes from `current` to `reached`; empty when it is there or further on.

    A parcel that was delivered was handed over before, even if nobody told.
    """
    if current not in WAY:
        return ()
    return WAY[WAY.index(current) + 1 : WAY.index(reached) + 1]
