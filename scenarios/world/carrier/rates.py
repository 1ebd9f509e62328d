"""What the carrier asks for a parcel: a fixed tariff by country and weight."""

import msgspec

CURRENCY = "EUR"
WEIGHT_G_MAX = 70_000
STEP_G = 1_000

_ZONES: dict[str, tuple[int, int]] = {
    "DE": (490, 60),
    "AT": (690, 80),
    "BE": (690, 80),
    "FR": (790, 90),
    "NL": (690, 80),
    "IT": (890, 100),
    "ES": (890, 100),
    "PL": (790, 90),
    "GB": (1_290, 180),
    "CH": (1_290, 180),
    "US": (1_990, 420),
    "JP": (2_190, 480),
}
_ELSEWHERE = (2_490, 520)
_SERVICES = (("standard", 100, 3), ("express", 220, 1))


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One offer: amount in minor units, days from hand-over to delivery."""

    service: str
    amount_minor: int
    currency: str
    days: int


def rates(country: str, weight_g: int) -> list[Rate]:
    """The offers for one parcel, cheapest first; weight is rounded up to whole kilograms."""
    first, each_further = _ZONES.get(country.upper(), _ELSEWHERE)
    further = max(0, -(-weight_g // STEP_G) - 1)
    price = first + each_further * further
    return [
        Rate(service=service, amount_minor=price * percent // 100, currency=CURRENCY, days=days)
        for service, percent, days in _SERVICES
    ]
