import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import (
    AMOUNT_MINOR_MAX,
    InvalidMoneyError,
    Money,
    MoneyWire,
    Rounding,
    allocate,
    percentage,
)

amounts = st.integers(-(10**12), 10**12)


@given(amounts, st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_the_wire_form_reads_back_as_the_same_money(minor: int, currency: str):
    money = Money(minor, currency)
    assert Money.from_wire(money.to_wire()) == money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1234, "EUR", "12.34"), (5, "EUR", "0.05"), (-5, "EUR", "-0.05"), (500, "JPY", "500"), (1, "KWD", "0.001")],
)
def test_decimal_strings_have_exactly_the_currencys_digits(minor, currency, text):
    assert Money(minor, currency).decimal_string == text


@pytest.mark.parametrize(
    "text", ["", "1,5", "1.234", "1e3", "NaN", " 1", "1.", ".5", "+1", "01", "1" * 30, "\uff11\uff12", "0x1"]
)
def test_what_is_no_exact_decimal_is_refused(text):
    with pytest.raises(InvalidMoneyError):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_amounts_are_whole_numbers_only(amount):
    with pytest.raises(InvalidMoneyError):
        Money(amount, "EUR")


def test_floats_and_other_currencies_do_not_mix():
    money = Money(100, "EUR")
    for attempt in (
        lambda: money * 1.5,
        lambda: money * True,
        lambda: money + 1,
        lambda: money + Money(1, "USD"),
        lambda: money - Money(1, "USD"),
        lambda: money < Money(1, "USD"),
    ):
        with pytest.raises(InvalidMoneyError):
            attempt()


def test_overflow_is_refused_not_wrapped():
    with pytest.raises(InvalidMoneyError):
        Money(AMOUNT_MINOR_MAX, "EUR") + Money(1, "EUR")


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "E1R"])
def test_currencies_are_three_capitals(currency):
    with pytest.raises(InvalidMoneyError):
        Money.from_wire(MoneyWire("1.00", currency))


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_allocated_parts_sum_to_the_total_and_differ_by_less_than_one_from_exact(minor, weights):
    parts = allocate(Money(minor, "EUR"), weights)
    assert sum(part.amount_minor for part in parts) == minor
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part.amount_minor * whole - minor * weight) < whole


def test_allocation_gives_the_odd_cent_to_the_largest_remainder_then_the_first():
    assert [p.amount_minor for p in allocate(Money(100, "EUR"), [1, 1, 1])] == [34, 33, 33]
    assert [p.amount_minor for p in allocate(Money(10, "EUR"), [1, 2])] == [3, 7]
    assert [p.amount_minor for p in allocate(Money(3, "EUR"), [0, 0])] == [2, 1]


def test_a_single_cent_stays_whole_and_keeps_its_sign():
    assert allocate(Money(1, "EUR"), [1, 1]) == [Money(1, "EUR"), Money(0, "EUR")]
    assert allocate(Money(-1, "EUR"), [1, 1]) == [Money(-1, "EUR"), Money(0, "EUR")]


def test_allocation_refuses_no_weights_and_negative_ones():
    for weights in ([], [-1, 2], [1.0]):
        with pytest.raises(InvalidMoneyError):
            allocate(Money(1, "EUR"), weights)


@pytest.mark.parametrize(
    ("minor", "rate_bp", "rounding", "expected"),
    [
        (1050, 1000, Rounding.HALF_UP, 105),
        (125, 1000, Rounding.HALF_UP, 13),
        (125, 1000, Rounding.HALF_EVEN, 12),
        (121, 1000, Rounding.UP, 13),
        (129, 1000, Rounding.DOWN, 12),
        (-125, 1000, Rounding.HALF_UP, -13),
    ],
)
def test_percentages_round_by_the_named_rule(minor, rate_bp, rounding, expected):
    assert percentage(Money(minor, "EUR"), rate_bp, rounding).amount_minor == expected


@pytest.mark.parametrize("minor", [AMOUNT_MINOR_MAX, -AMOUNT_MINOR_MAX])
def test_the_greatest_amounts_are_money(minor):
    assert Money(minor, "EUR").amount_minor == minor
    with pytest.raises(InvalidMoneyError):
        Money(minor + (1 if minor > 0 else -1), "EUR")


@pytest.mark.parametrize(
    ("text", "minor"), [("1", 100), ("1.5", 150), ("1.05", 105), ("-1.5", -150), ("0", 0), ("0.01", 1)]
)
def test_a_short_fraction_is_filled_up(text, minor):
    assert Money.parse(text, "EUR") == Money(minor, "EUR")


@pytest.mark.parametrize("amount", [1, 1.5, None, b"1"])
def test_only_text_is_read_as_an_amount(amount):
    with pytest.raises(InvalidMoneyError):
        Money.parse(amount, "EUR")


def test_money_is_turned_around():
    assert -Money(5, "EUR") == Money(-5, "EUR")
    assert -Money(-5, "JPY") == Money(5, "JPY")


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 1), (1, 1), (-1, 1)])
def test_money_of_one_currency_compares_as_its_amounts(one, other):
    ours, theirs = Money(one, "EUR"), Money(other, "EUR")
    assert (ours < theirs, ours <= theirs, ours > theirs, ours >= theirs) == (
        one < other, one <= other, one > other, one >= other,
    )  # fmt: skip


def test_money_of_two_currencies_does_not_compare():
    for attempt in (
        lambda: Money(1, "EUR") <= Money(1, "USD"),
        lambda: Money(1, "EUR") > Money(1, "USD"),
        lambda: Money(1, "EUR") >= Money(1, "USD"),
    ):
        with pytest.raises(InvalidMoneyError):
            attempt()
