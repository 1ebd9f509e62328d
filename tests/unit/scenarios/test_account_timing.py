"""What of two samples of waits tells known addresses from unknown ones, and what is noise."""

import random

import pytest

from scenarios.probes.timing import told_apart_s


def waits(median_s: float, *, spread_s: float = 0.001, seed: int = 1) -> list[float]:
    drawn = random.Random(seed)
    return [median_s + drawn.uniform(-spread_s, spread_s) for _ in range(100)]


def test_the_same_work_tells_nothing() -> None:
    assert told_apart_s(waits(0.030, seed=1), waits(0.030, seed=2)) == 0.0


@pytest.mark.parametrize("slower_s", [0.008, -0.008])
def test_a_difference_beyond_five_milliseconds_is_told_with_its_sign(slower_s: float) -> None:
    assert told_apart_s(waits(0.030 + slower_s), waits(0.030)) == pytest.approx(slower_s, abs=0.001)


def test_what_nobody_notices_is_no_difference() -> None:
    assert told_apart_s(waits(0.034), waits(0.030)) == 0.0


def test_what_two_halves_of_one_kind_differ_is_noise() -> None:
    restless = [0.030 if number % 2 else 0.060 for number in range(100)]
    assert told_apart_s(restless, waits(0.030)) == 0.0
