from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.shipping.domain.addresses import InvalidAddress, PostalAddress, PostalForm, normalised, postal_code
from svc.shipping.domain.parcels import ShipmentStatus, steps_to
from svc.shipping.domain.promises import deliver_by
from svc.shipping.domain.rates import Band, Load, chargeable_g, offers
from svc.shipping.domain.returns import (
    Content,
    NotReturnable,
    ReturnExceedsShipment,
    ReturnWindowOver,
    check_contents,
    check_return,
)

pytestmark = pytest.mark.service("shipping")

DELIVERED, LOST, RETURNED = ShipmentStatus.DELIVERED, ShipmentStatus.LOST, ShipmentStatus.RETURNED
LABELLED, HANDED_OVER = ShipmentStatus.LABELLED, ShipmentStatus.HANDED_OVER
IN_TRANSIT = ShipmentStatus.IN_TRANSIT
GB = PostalForm("GB", r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})", r"\1 \2", "SW1A 1AA")
DE = PostalForm("DE", r"([0-9]{5})", r"\1", "10115")
ADDRESS = {"name": "Ann  Buyer", "line1": "Way 1", "city": "Berlin", "postal_code": "D-10115", "country": "DE"}


def a_band(carrier, weight_g_max, amount_minor, cm3_per_kg):
    return Band("home", "standard", weight_g_max, amount_minor, "EUR", None, 3, carrier, cm3_per_kg)


BANDS = [
    a_band("dear", 1_000, 500, 10_000), a_band("dear", 30_000, 900, 10_000),
    a_band("cheap", 1_000, 400, 5_000), a_band("cheap", 30_000, 1_200, 5_000),
]  # fmt: skip


def test_room_counts_as_weight_by_each_carriers_rule_and_the_cheapest_carries():
    light, bulky = Load(500, 0), Load(500, 8_000_000)
    assert (chargeable_g(bulky, 5_000), chargeable_g(bulky, 10_000), chargeable_g(light, 5_000)) == (1_600, 800, 500)
    assert [(o.carrier, o.amount_minor) for o in offers(BANDS, loads=[light], subtotal_minor=None)] == [("cheap", 400)]
    assert [(o.carrier, o.amount_minor) for o in offers(BANDS, loads=[bulky], subtotal_minor=None)] == [("dear", 500)]


def test_several_boxes_cost_what_each_costs():
    (offer,) = offers(BANDS, loads=[Load(900), Load(900), Load(2_000)], subtotal_minor=None)
    assert (offer.carrier, offer.amount_minor, offer.parcels) == ("dear", 1_900, 3)


@pytest.mark.parametrize(
    ("now", "days_max", "day"),
    [
        (datetime(2026, 11, 26, 14, 59, tzinfo=UTC), 1, date(2026, 11, 27)),
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), 1, date(2026, 11, 30)),
        (datetime(2026, 11, 28, 9, 0, tzinfo=UTC), 1, date(2026, 12, 1)),
        (datetime(2026, 11, 27, 9, 0, tzinfo=UTC), 3, date(2026, 12, 2)),
    ],
)
def test_the_promise_counts_working_days_from_the_next_hand_over(now, days_max, day):
    assert deliver_by(now, days_max=days_max) == day


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(1, 30))  # noqa: DTZ001 hypothesis wants naive
def test_a_promise_is_a_working_day_and_a_longer_one_is_never_earlier(now, days_max):
    day = deliver_by(now, days_max=days_max)
    assert day.weekday() < 5
    assert now.date() + timedelta(days=days_max) <= day < deliver_by(now, days_max=days_max + 1)


@pytest.mark.parametrize(
    ("form", "written", "code"),
    [
        (DE, "10115", "10115"), (DE, " d-10115", "10115"), (DE, "DE 10115", "10115"),
        (GB, "sw1a1aa", "SW1A 1AA"), (GB, "G1-1AA", "G1 1AA"), (GB, "gb m1 1ae", "M1 1AE"),
    ],
)  # fmt: skip
def test_a_postal_code_is_written_as_its_country_does(form, written, code):
    assert postal_code(written, form.country, form) == code
    assert postal_code(code, form.country, form) == code


@pytest.mark.parametrize("wrong", ["1011", "101155", "1O115", "", "１０１１５", "10115\n5"])
def test_a_code_of_another_form_is_refused_and_an_example_given(wrong):
    with pytest.raises(InvalidAddress, match="10115") as refused:
        postal_code(wrong, "DE", DE)
    assert refused.value.extra == {"field": "postal_code"}


def test_an_address_is_tidied_and_what_is_missing_is_named():
    tidy = normalised(PostalAddress(**ADDRESS), DE)
    assert (tidy.name, tidy.postal_code) == ("Ann Buyer", "10115")
    for field in ("name", "line1", "city"):
        with pytest.raises(InvalidAddress) as refused:
            normalised(PostalAddress(**{**ADDRESS, field: "  "}), DE)
        assert refused.value.extra == {"field": field}
    assert normalised(PostalAddress(**{**ADDRESS, "postal_code": "ab 1", "country": "AE"}), None).postal_code == "AB 1"


@pytest.mark.parametrize(
    ("current", "reached", "steps"),
    [
        (LABELLED, LOST, (HANDED_OVER, LOST)),
        (IN_TRANSIT, LOST, (LOST,)),
        (DELIVERED, LOST, ()),
        (LOST, DELIVERED, (DELIVERED,)),
        (LOST, RETURNED, (RETURNED,)),
        (LOST, IN_TRANSIT, ()),
        (DELIVERED, RETURNED, (RETURNED,)),
        (HANDED_OVER, RETURNED, (RETURNED,)),
        (RETURNED, DELIVERED, ()),
        (RETURNED, LOST, ()),
    ],
)
def test_a_lost_parcel_may_be_found_and_one_that_came_back_goes_nowhere(current, reached, steps):
    assert steps_to(current, reached) == steps


def test_no_more_comes_back_than_was_sent_and_not_for_ever():
    sent, back = [Content("A", 3), Content("B", 1)], [Content("A", 2)]
    check_contents(sent, back, {"A": 1, "B": 1})
    for wished, left in (({"A": 2}, 1), ({"B": 2}, 1), ({"C": 1}, 0)):
        with pytest.raises(ReturnExceedsShipment) as refused:
            check_contents(sent, back, wished)
        assert refused.value.extra["quantity_max"] == left
    then = datetime(2026, 11, 1, tzinfo=UTC)
    terms = {"status": DELIVERED, "is_return": False, "delivered_at": then, "window_s": 86_400.0}
    check_return(**terms, now=then + timedelta(hours=24))
    with pytest.raises(ReturnWindowOver):
        check_return(**terms, now=then + timedelta(hours=25))
    with pytest.raises(NotReturnable):
        check_return(**{**terms, "status": LOST}, now=then)
    with pytest.raises(NotReturnable):
        check_return(**{**terms, "is_return": True}, now=then)
