import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.money_text import minor_units, money_text
from scenarios.statistics_text import interval, k_of_n, none_in, percent, upper_bound


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (0, "no runs: nothing is known about violations"),
        (1, "0 violations in 1 run (≤ 100 % at 95 %)"),
        (20, "0 violations in 20 runs (≤ 15 % at 95 %)"),
        (1000, "0 violations in 1000 runs (≤ 0.3 % at 95 %)"),
    ],
)
def test_none_seen_is_a_bound(runs: int, text: str) -> None:
    assert none_in(runs) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (20, "detected in 20 of 20 runs (84\u2013100 % at 95 %)"),
        (19, "detected in 19 of 20 runs (76\u201399 % at 95 %)"),
        (0, "detected in 0 of 20 runs (≤ 15 % at 95 %)"),
    ],
)
def test_k_of_n_comes_with_its_interval(count: int, text: str) -> None:
    assert k_of_n(count, 20) == text


@pytest.mark.parametrize(
    ("count", "runs", "text"),
    [
        (999, 1000, "detected in 999 of 1000 runs (99\u201399.98 % at 95 %)"),
        (1, 1000, "detected in 1 of 1000 runs (0.018\u20130.56 % at 95 %)"),
        (1, 1, "detected in 1 of 1 run (21\u2013100 % at 95 %)"),
        (0, 0, "no runs: nothing is known about detected"),
    ],
)
def test_an_interval_that_is_open_never_reads_as_closed(count: int, runs: int, text: str) -> None:
    assert k_of_n(count, runs) == text


def test_what_is_counted_has_a_name() -> None:
    assert none_in(200, "orders lost", of="kill") == "0 orders lost in 200 kills (≤ 1.5 % at 95 %)"
    assert k_of_n(0, 0, of="kill") == "no kills: nothing is known about detected"
    assert k_of_n(1, 1, of="kill").startswith("detected in 1 of 1 kill (")


@given(st.floats(0, 1))
def test_only_nothing_is_0_and_only_all_is_100_per_cent(rate: float) -> None:
    assert (percent(rate) == "0 %") == (rate == 0)
    if rate < 1 - 1e-9:
        assert percent(rate) != "100 %"
    assert percent(1.0) == "100 %"


@given(st.integers(1, 5000), st.data())
def test_an_interval_holds_the_rate_it_was_made_of(runs: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, runs))
    low, high = interval(count, runs)
    assert 0 <= low <= count / runs <= high <= 1


@pytest.mark.parametrize(("count", "runs"), [(3, 2), (-1, 5), (0, 0)])
def test_impossible_counts_are_refused(count: int, runs: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        interval(count, runs)


def test_small_rates_are_never_rounded_to_nothing() -> None:
    assert percent(0.0001) == "0.01 %"
    assert upper_bound(0) == 1.0


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (5999, "EUR", "59.99 EUR"),
        (1234567, "EUR", "12,345.67 EUR"),
        (500, "JPY", "500 JPY"),
        (1500, "KWD", "1.500 KWD"),
    ],
)
def test_money_reads_as_people_write_it(amount_minor: int, currency: str, text: str) -> None:
    assert money_text(amount_minor, currency) == text


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_reads_back(amount_minor: int, currency: str) -> None:
    assert minor_units(money_text(amount_minor, currency).replace(",", ""), currency) == amount_minor


@pytest.mark.parametrize("text", ["59.999 EUR", "59.99 USD", "many EUR", "", "NaN", "Infinity"])
def test_what_is_no_amount_of_the_currency_is_none(text: str) -> None:
    assert minor_units(text, "EUR") is None
