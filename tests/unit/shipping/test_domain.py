import pytest

from svc.shipping.domain.parcels import WAY, ShipmentStatus, steps_to
from svc.shipping.domain.rates import Band, Load, offers

pytestmark = pytest.mark.service("shipping")


def a_band(weight_g_max, amount_minor, *, method="standard", free_from_minor=None, days_max=3):
    return Band("home", method, weight_g_max, amount_minor, "EUR", free_from_minor, days_max)


BANDS = [a_band(1_000, 490), a_band(5_000, 690), a_band(30_000, 1_290, free_from_minor=50_000)]


@pytest.mark.parametrize(
    ("weight_g", "amount_minor", "parcels"),
    [
        (1, 490, 1),
        (1_000, 490, 1),
        (1_001, 690, 1),
        (30_000, 1_290, 1),
        (30_001, 1_780, 2),
        (60_000, 2_580, 2),
        (66_000, 3_870, 3),
    ],
)
def test_the_band_that_holds_the_weight_sets_the_price(weight_g, amount_minor, parcels):
    (offer,) = offers(BANDS, loads=[Load(weight_g)], subtotal_minor=None)
    assert (offer.amount_minor, offer.parcels) == (amount_minor, parcels)


@pytest.mark.parametrize(("subtotal_minor", "free"), [(None, False), (0, False), (9_999, False), (10_000, True)])
def test_goods_of_value_travel_for_nothing(subtotal_minor, free):
    bands = [a_band(1_000, 490, free_from_minor=10_000)]
    (offer,) = offers(bands, loads=[Load(500)], subtotal_minor=subtotal_minor)
    assert (offer.free, offer.amount_minor) == (free, 0 if free else 490)


def test_the_cheapest_method_comes_first():
    bands = [a_band(1_000, 900, method="express", days_max=1), a_band(1_000, 400)]
    assert [offer.method for offer in offers(bands, loads=[Load(1)], subtotal_minor=None)] == ["standard", "express"]
    assert offers([], loads=[Load(1)], subtotal_minor=None) == []


@pytest.mark.parametrize("current", WAY)
@pytest.mark.parametrize("reached", WAY)
def test_a_parcel_passes_every_step_and_never_goes_back(current, reached):
    steps = steps_to(current, reached)
    assert (current, *steps) == WAY[WAY.index(current) : WAY.index(current) + len(steps) + 1]
    assert (steps[-1] if steps else None) == (reached if WAY.index(reached) > WAY.index(current) else None)


@pytest.mark.parametrize("reached", WAY)
def test_a_cancelled_parcel_goes_nowhere(reached):
    assert steps_to(ShipmentStatus.CANCELLED, reached) == ()
