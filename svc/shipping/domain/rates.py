"""What sending costs: bands by weight, carriers that count volume as weight, goods that travel for nothing. Pure."""

from collections.abc import Sequence

import msgspec

from shared.errors import Kind, Refusal
from svc.shipping.domain.packing import MM3_PER_CM3

G_PER_KG = 1_000


class CountryNotServed(Refusal):
    code = "country_not_served"
    kind = Kind.UNPROCESSABLE


class CurrencyNotServed(Refusal):
    code = "currency_not_served"
    kind = Kind.UNPROCESSABLE


class UnknownRate(Refusal):
    code = "unknown_rate"
    kind = Kind.NOT_FOUND


class UnknownZone(Refusal):
    code = "unknown_zone"
    kind = Kind.UNPROCESSABLE


class UnknownCarrier(Refusal):
    code = "unknown_carrier"
    kind = Kind.UNPROCESSABLE


class RateExists(Refusal):
    """Zone, method, currency, carrier and weight have a rate already."""

    code = "rate_exists"
    kind = Kind.CONFLICT


class Band(msgspec.Struct, frozen=True):
    """One row of the rate table: the price of a parcel up to `weight_g_max` with one carrier."""

    zone: str
    method: str
    weight_g_max: int
    amount_minor: int
    currency: str
    free_from_minor: int | None
    days_max: int
    carrier: str = "parcelpost"
    cm3_per_kg: int = 5_000
    """So much room counts as a kilogram."""


class Load(msgspec.Struct, frozen=True):
    """What is to be sent in one piece, or is to be split into full parcels and a rest."""

    weight_g: int
    volume_mm3: int = 0


class Offer(msgspec.Struct, frozen=True):
    """What one method costs with its cheapest carrier for a delivery of `parcels` parcels."""

    method: str
    amount_minor: int
    currency: str
    days_max: int
    parcels: int
    free: bool
    carrier: str


def chargeable_g(load: Load, cm3_per_kg: int) -> int:
    """The greater of weight and volumetric weight, in grams, rounded up (IATA: cubic centimetres per kilogram)."""
    volumetric_g = -(-load.volume_mm3 * G_PER_KG // (MM3_PER_CM3 * cm3_per_kg))
    return max(1, load.weight_g, volumetric_g)


def offers(bands: Sequence[Band], *, loads: Sequence[Load], subtotal_minor: int | None) -> list[Offer]:
    """The cheapest way to send the loads with each method, cheapest method first.

    A load of more than a carrier's heaviest band is split into full parcels and a rest. A method is free from the
    `free_from_minor` of goods on that the band of its heaviest last parcel names. Amounts in minor units.
    """
    best: dict[str, Offer] = {}
    for method, carrier in sorted({(band.method, band.carrier) for band in bands}):
        own = sorted(
            (band for band in bands if (band.method, band.carrier) == (method, carrier)),
            key=lambda band: band.weight_g_max,
        )
        offer = _offer(own, loads, subtotal_minor)
        if method not in best or _rank(offer) < _rank(best[method]):
            best[method] = offer
    return sorted(best.values(), key=_rank)


def _rank(offer: Offer) -> tuple[int, int, str, str]:
    return (offer.amount_minor, offer.days_max, offer.method, offer.carrier)


def _offer(bands: Sequence[Band], loads: Sequence[Load], subtotal_minor: int | None) -> Offer:
    heaviest = bands[-1]
    amount_minor = parcels = 0
    last = bands[0]
    for load in loads:
        full, rest_g = divmod(chargeable_g(load, heaviest.cm3_per_kg), heaviest.weight_g_max)
        rest = next((band for band in bands if rest_g <= band.weight_g_max), heaviest) if rest_g else None
        amount_minor += full * heaviest.amount_minor + (rest.amount_minor if rest else 0)
        parcels += full + (rest is not None)
        last = max(last, rest or heaviest, key=lambda band: band.weight_g_max)
    free = last.free_from_minor is not None and subtotal_minor is not None and subtotal_minor >= last.free_from_minor
    return Offer(
        method=heaviest.method,
        amount_minor=0 if free else amount_minor,
        currency=heaviest.currency,
        days_max=heaviest.days_max,
        parcels=parcels,
        free=free,
        carrier=heaviest.carrier,
    )
