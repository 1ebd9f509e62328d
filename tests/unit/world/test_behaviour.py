import pytest

from scenarios.world.draws import draw
from scenarios.world.psp.behaviour import (
    PAYMENT_METHODS,
    Behaviour,
    Fault,
    Method,
    decline_code_of,
    fault_of,
)

REFERENCES = [f"order-{i}" for i in range(4_000)]


def faults(behaviour, **changes):
    asked = {"attempt": 1, "method": Method(), **changes}
    return [fault_of(behaviour, "payment", reference=reference, **asked) for reference in REFERENCES]


def test_a_draw_depends_on_its_names_and_seed_alone():
    assert draw(1, "a", 2) == draw(1, "a", 2)
    assert draw(1, "a", 2) != draw(2, "a", 2)
    assert draw(1, "ab") != draw(1, "a", "b")
    assert all(0 <= draw(0, i) < 1 for i in range(1_000))


def test_the_same_seed_hits_the_same_orders_and_another_seed_others():
    behaviour = Behaviour(timeout_after_success_rate=0.1, seed=7)
    assert faults(behaviour) == faults(behaviour)
    assert faults(behaviour) != faults(Behaviour(timeout_after_success_rate=0.1, seed=8))


def test_the_rates_are_shares_that_exclude_each_other():
    drawn = faults(Behaviour(timeout_after_success_rate=0.08, error_then_success_rate=0.04, slow_rate=0.05, seed=3))
    share = {fault: drawn.count(fault) / len(drawn) for fault in Fault}
    assert share[Fault.TIMEOUT_AFTER_SUCCESS] == pytest.approx(0.08, abs=0.015)
    assert share[Fault.ERROR_THEN_SUCCESS] == pytest.approx(0.04, abs=0.015)
    assert share[Fault.SLOW] == pytest.approx(0.05, abs=0.015)


def test_a_fault_hits_the_first_attempt_only():
    certain = Behaviour(timeout_after_success_rate=1.0)
    assert set(faults(certain)) == {Fault.TIMEOUT_AFTER_SUCCESS}
    assert set(faults(certain, attempt=2)) == {Fault.NONE}


def test_a_token_brings_its_fault_into_a_healthy_world():
    assert set(faults(Behaviour(), method=PAYMENT_METHODS["tok_slow"])) == {Fault.SLOW}


def test_operations_not_named_are_spared():
    assert set(faults(Behaviour(slow_rate=1.0, operations=("refund",)))) == {Fault.NONE}


def test_declines_are_drawn_per_order_and_fixed_for_the_declined_token():
    half = Behaviour(decline_rate=0.5)
    declined = [bool(decline_code_of(half, reference=ref, method=Method())) for ref in REFERENCES]
    assert 0.45 < sum(declined) / len(declined) < 0.55
    token = PAYMENT_METHODS["tok_declined"]
    assert decline_code_of(Behaviour(), reference="o", method=token) == "card_declined"
