"""What the buyers of a sale do comes from its seed, and every kind of them comes."""

import random

import pytest

from scenarios.drills.flash_sale import RESTOCK, SCENARIO
from scenarios.faults.events import Rewind
from scenarios.plan import FULL, QUICK
from scenarios.workloads import flash_sale
from scenarios.workloads.flash_sale import SaleParameters

SEEDS = range(1, 21)
WINNERS_MIN = 17


def characters(form: str, seed: int) -> list[flash_sale._Character]:
    parameters = SCENARIO.forms[form].parameters
    assert isinstance(parameters, SaleParameters)
    return flash_sale._crowd(parameters, random.Random(seed))


@pytest.mark.parametrize("form", SCENARIO.forms)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_buyer_comes_whatever_the_seed(form: str, seed: int) -> None:
    crowd = characters(form, seed)
    for kind in ("impatient", "abandons", "greedy", "extra", "second_body", "refunded"):
        assert any(getattr(one, kind) for one in crowd)
    assert any(one.cancels for one in crowd) is (form != RESTOCK)
    assert {one.quantity for one in crowd} == {1, 2}
    assert {one.payment_method for one in crowd} == {"tok_visa", "tok_declined"}


@pytest.mark.parametrize("form", SCENARIO.forms)
def test_guests_come_first_and_wait_for_their_answers(form: str) -> None:
    """With one unit each: twice as much is within the limit, so that a cart merged wrongly becomes an order."""
    crowd = characters(form, 1)
    guests = [one for one in crowd if one.guest]
    assert crowd[: len(guests)] == guests
    assert {(one.quantity, one.greedy, one.abandons, one.impatient) for one in guests} == {(1, False, False, False)}
    assert len(guests) * flash_sale.LOGINS <= SCENARIO.forms[form].parameters.units


def test_the_same_seed_brings_the_same_crowd() -> None:
    assert characters(QUICK, 7) == characters(QUICK, 7)
    assert characters(QUICK, 7) != characters(QUICK, 8)


def test_nobody_cancels_what_is_paid_back_already() -> None:
    assert not any(one.cancels and one.refunded for seed in SEEDS for one in characters(QUICK, seed))


@pytest.mark.parametrize("form", [FULL, QUICK])
def test_every_sale_forces_redelivery_loses_answers_of_the_provider_and_has_two_of_orders(form: str) -> None:
    chosen = SCENARIO.forms[form]
    rewound = {step.fault.target for step in chosen.faults if isinstance(step.fault, Rewind)}
    assert rewound == {"orders", "payments", "notifications"}
    assert chosen.psp["timeout_after_success_rate"] > 0
    assert SCENARIO.scale["orders"] == 2


@pytest.mark.parametrize("kind", ["declines", "second_body"])
def test_what_a_quick_sale_must_have_seen_fails_to_come_less_than_once_in_a_thousand_sales(kind: str) -> None:
    """Of the fewest winners that twenty units have been seen to make, some with two units each."""
    parameters = SCENARIO.forms[QUICK].parameters
    assert isinstance(parameters, SaleParameters)
    share = parameters.declined_share if kind == "declines" else parameters.second_body_share
    assert (1 - share) ** WINNERS_MIN < 0.001
