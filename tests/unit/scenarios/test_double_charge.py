"""What the customers of a double charge do comes from its seed, and every kind of them comes."""

from collections import Counter

import pytest

from scenarios.drills.double_charge import SCENARIO
from scenarios.plan import FULL, QUICK
from scenarios.workloads.double_charge import (
    ABROAD_PAYS_IN,
    CURRENCIES,
    ChargeParameters,
    ChargeStage,
    Checkout,
    DoubleCharge,
    checkouts,
    markets_of,
)
from scenarios.workloads.market import Person
from scenarios.workloads.workload import LoadReport
from shared.currencies import exponent

SEEDS = range(1, 21)
KINDS = ("coupon", "double_click", "impatient", "other_body", "late", "returned", "goodwill", "crowd")


def parameters_of(form: str) -> ChargeParameters:
    parameters = SCENARIO.forms[form].parameters
    assert isinstance(parameters, ChargeParameters)
    return parameters


def plan(form: str, seed: int) -> list[Checkout]:
    return checkouts(parameters_of(form), seed)


@pytest.mark.parametrize("form", [FULL, QUICK])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_checkout_comes_whatever_the_seed(form: str, seed: int) -> None:
    planned = plan(form, seed)
    assert [kind for kind in KINDS if not any(getattr(one, kind) for one in planned)] == []
    assert {one.currency for one in planned} == {"EUR", "USD", "JPY", "KWD"}
    assert any(one.key != number for number, one in enumerate(planned))


@pytest.mark.parametrize("form", [FULL, QUICK])
def test_baskets_of_every_currency_and_crowds_are_as_many_as_was_asked_for_and_are_paid(form: str) -> None:
    planned, parameters = plan(form, 3), parameters_of(form)
    baskets = [one for one in planned if one.currency == "USD" and one.returned and one.coupon and not one.pay_in]
    returned = [one for one in planned if one.returned and one.coupon and one.payment_method == "tok_visa"]
    crowds = [one for one in planned if one.crowd]
    assert (len(baskets), len(crowds)) == (parameters.baskets // 4, parameters.crowds)
    assert {one.currency for one in returned} == set(CURRENCIES)
    assert {one.payment_method for one in (*baskets, *crowds)} == {"tok_visa"}
    assert not any(one.returned or one.goodwill for one in crowds)


@pytest.mark.parametrize("form", [FULL, QUICK])
def test_who_pays_in_other_money_does_so_in_each_and_under_a_key_and_a_card_of_their_own(form: str) -> None:
    planned, parameters = plan(form, 3), parameters_of(form)
    abroad = [(number, one) for number, one in enumerate(planned) if one.pay_in]
    assert len(abroad) == parameters.abroad
    assert {one.pay_in for _, one in abroad} == set(ABROAD_PAYS_IN)
    assert all((one.key, one.currency, one.payment_method) == (number, "USD", "tok_visa") for number, one in abroad)
    assert not any(one.crowd for _, one in abroad)


def test_the_same_seed_brings_the_same_checkouts() -> None:
    assert plan(QUICK, 7) == plan(QUICK, 7)
    assert plan(QUICK, 7) != plan(QUICK, 8)


def test_another_body_is_another_one_and_asks_for_what_there_is() -> None:
    planned = [one for seed in SEEDS for one in plan(QUICK, seed)]
    assert {one.quantity for one in planned} == {one.other_quantity for one in planned} == {1, 2, 3}
    assert not any(one.quantity == one.other_quantity for one in planned)


def test_nobody_is_paid_back_twice_by_plan() -> None:
    ways = [(one.returned, one.goodwill, one.crowd) for seed in SEEDS for one in plan(QUICK, seed)]
    assert max(sum(way) for way in ways) == 1


def test_a_key_of_somebody_else_comes_with_the_same_wish() -> None:
    shared = 0
    for seed in SEEDS:
        planned = plan(QUICK, seed)
        for one in planned:
            owner = planned[one.key]
            wish = (one.currency, one.quantity, one.coupon, one.payment_method)
            if owner is not one and not owner.crowd:
                shared += 1
                assert wish == (owner.currency, owner.quantity, owner.coupon, owner.payment_method)
    assert shared


def test_the_goods_are_the_three_of_the_story_and_cost_what_their_currencies_can_say() -> None:
    markets = markets_of("X", units=1)
    assert [article.price_minor for article in markets["USD"].articles] == [1_999, 2_999, 4_999]
    assert Counter(exponent(currency) for currency in markets) == {2: 2, 0: 1, 3: 1}
    for currency, market in markets.items():
        assert {article.currency for article in market.articles} == {currency}


def test_the_judges_are_told_that_there_is_enough_of_everything() -> None:
    markets = markets_of("X", units=9)
    nobody = Person("u", "t")
    stage = ChargeStage(
        parameters=parameters_of(QUICK), seed=1, gateway_url="", exchange_url="", name="X", markets=markets,
        coupon="TEN", buyers=(nobody,), support=(nobody,), opened_at=5.0,
    )  # fmt: skip
    facts = DoubleCharge().facts(stage, LoadReport())
    assert (facts.scarce_skus, facts.limits, facts.coupons) == ([], [], [])
    assert [(step.sku, step.quantity, step.at, step.opening) for step in facts.supply] == [
        (sku, 9, 5.0, True) for sku in facts.skus
    ]
    assert len(facts.skus) == sum(len(market.articles) for market in markets.values())
