"""Exchange rates as whole billionths, and the one conversion of an amount. No float, no inverse, no cross rate."""

from shared.currencies import exponent
from shared.money import InvalidMoneyError, Money

FRACTION_DIGITS = 9
RATE_PATTERN = r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?"
RATE_CHARACTERS_MAX = 19
_ONE = 10**FRACTION_DIGITS


def rate_nano_of(text: str) -> int:
    """Billionths of a rate such as "0.92"; `text` is of `RATE_PATTERN`."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(FRACTION_DIGITS, "0"))


def rate_text(rate_nano: int) -> str:
    """The rate as people read it, without zeros at its end."""
    whole, fraction = divmod(rate_nano, _ONE)
    return f"{whole}.{fraction:0{FRACTION_DIGITS}}".rstrip("0").removesuffix(".")


def convert(money: Money, *, to: str, rate_nano: int) -> Money:
    """What an amount is in another currency, at so many billionths of one unit of it for a unit of `money`.

    Rounded half up to the minor unit of `to`. Raises InvalidMoneyError for less than nothing and beyond what money
    can hold.
    """
    if money.amount_minor < 0:
        raise InvalidMoneyError("only what is owed is converted")
    scaled = money.amount_minor * rate_nano * 10 ** exponent(to)
    unit = _ONE * 10 ** exponent(money.currency)
    return Money((2 * scaled + unit) // (2 * unit), to)
