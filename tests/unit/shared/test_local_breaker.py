import pytest

from shared.circuit_breaker.policy import BreakerPolicy, LocalBreaker, Mode

POLICY = BreakerPolicy(window_ms=1_000, failures_min=3, failure_percent=50, open_ms=500, probes_max=1)


def opened() -> LocalBreaker:
    breaker = LocalBreaker(POLICY)
    breaker.record(0, 3, 10_000)
    assert breaker.mode is Mode.OPEN
    return breaker


def test_few_failures_or_a_small_share_leave_it_closed():
    breaker = LocalBreaker(POLICY)
    breaker.record(0, 2, 10_000)
    assert breaker.mode is Mode.CLOSED
    breaker.record(10, 2, 10_100)
    assert breaker.mode is Mode.CLOSED


def test_failures_of_an_old_window_do_not_count():
    breaker = LocalBreaker(POLICY)
    breaker.record(0, 2, 10_000)
    breaker.record(0, 2, 11_500)
    assert breaker.mode is Mode.CLOSED


def test_an_open_one_refuses_until_its_time_and_then_lets_few_try():
    breaker = opened()
    assert not breaker.acquire_probe(10_400)
    assert breaker.open_left_ms(10_400) == 100
    assert breaker.acquire_probe(10_500)
    assert breaker.mode is Mode.HALF_OPEN
    assert not breaker.acquire_probe(10_501)


def test_enough_good_probes_close_it_and_one_bad_opens_it_again():
    breaker = opened()
    breaker.acquire_probe(10_500)
    breaker.end_probe("ok", 10_510)
    assert breaker.mode is Mode.HALF_OPEN
    breaker.acquire_probe(10_511)
    breaker.end_probe("ok", 10_512)
    assert breaker.mode is Mode.CLOSED

    breaker = opened()
    breaker.acquire_probe(10_500)
    breaker.end_probe("failed", 10_510)
    assert breaker.mode is Mode.OPEN
    assert not breaker.acquire_probe(10_900)


def test_a_lost_probe_gives_its_place_back():
    breaker = opened()
    assert breaker.acquire_probe(10_500)
    breaker.end_probe("unknown", 10_510)
    assert breaker.acquire_probe(10_511)
    assert not breaker.acquire_probe(10_512)
    assert breaker.acquire_probe(10_512 + POLICY.probe_lease_ms)


def test_one_caller_alone_neither_opens_it_nor_keeps_it_open():
    breaker = LocalBreaker(POLICY)
    breaker.record(0, 0, 10_000, callers=["mallory"] * 9)
    assert breaker.mode is Mode.CLOSED
    breaker.record(0, 0, 10_001, callers=["ann"])
    assert breaker.mode is Mode.OPEN
    breaker.acquire_probe(10_600)
    breaker.end_probe("failed", 10_610, caller="mallory")
    breaker.end_probe("failed", 10_620, caller="mallory")
    assert breaker.mode is Mode.HALF_OPEN
    breaker.acquire_probe(10_630)
    breaker.end_probe("failed", 10_640, caller="ann")
    assert breaker.mode is Mode.OPEN


def test_a_policy_by_which_one_caller_could_open_it_is_a_bug():
    with pytest.raises(AssertionError):
        BreakerPolicy(failures_min=2, per_caller_max=2)
