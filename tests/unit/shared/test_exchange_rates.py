from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.currencies import exponent
from shared.exchange_rates import convert, rate_nano_of, rate_text
from shared.money import AMOUNT_MINOR_MAX, InvalidMoneyError, Money

currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


@given(st.integers(0, 10**9), currencies, currencies, st.integers(1, 10**12))
def test_a_conversion_is_the_exact_product_rounded_half_up_once(minor: int, source: str, target: str, rate_nano: int):
    exact = Fraction(minor, 10 ** exponent(source)) * Fraction(rate_nano, 10**9) * 10 ** exponent(target)
    rounded = int(exact + Fraction(1, 2))
    if rounded > AMOUNT_MINOR_MAX:
        with pytest.raises(InvalidMoneyError):
            convert(Money(minor, source), to=target, rate_nano=rate_nano)
    else:
        assert convert(Money(minor, source), to=target, rate_nano=rate_nano) == Money(rounded, target)


@pytest.mark.parametrize(
    ("price", "rate", "target", "converted"),
    [
        (Money(4_999, "USD"), "0.92", "EUR", "45.99"),  # 45.9908
        (Money(1_999, "USD"), "149.5", "JPY", "2989"),  # 2988.505
        (Money(1_999, "USD"), "0.3075", "KWD", "6.147"),  # 6.146925
        (Money(2_485, "JPY"), "0.00669", "USD", "16.62"),  # 16.62465
        (Money(1, "EUR"), "0.5", "USD", "0.01"),  # a half goes up
        (Money(1, "EUR"), "0.499999999", "USD", "0.00"),
    ],
)
def test_amounts_come_out_in_the_decimals_of_their_currency(price, rate, target, converted):
    assert convert(price, to=target, rate_nano=rate_nano_of(rate)).decimal_string == converted


@pytest.mark.parametrize(
    ("text", "rate_nano"), [("1", 10**9), ("20", 20 * 10**9), ("0.5", 5 * 10**8), ("1.000000001", 10**9 + 1)]
)
def test_a_rate_is_read_in_billionths_with_or_without_a_fraction(text, rate_nano):
    assert rate_nano_of(text) == rate_nano


@given(st.integers(0, 10**18 - 1))
def test_a_rate_reads_back_as_it_was_written(rate_nano: int):
    assert rate_nano_of(rate_text(rate_nano)) == rate_nano


@pytest.mark.parametrize(("rate_nano", "text"), [(920_000_000, "0.92"), (149_500_000_000, "149.5"), (10**9, "1")])
def test_a_rate_has_no_zeros_at_its_end(rate_nano, text):
    assert rate_text(rate_nano) == text


def test_less_than_nothing_and_more_than_money_can_hold_are_refused():
    with pytest.raises(InvalidMoneyError):
        convert(Money(-1, "EUR"), to="USD", rate_nano=10**9)
    with pytest.raises(InvalidMoneyError):
        convert(Money(10**15, "EUR"), to="JPY", rate_nano=10**15)
