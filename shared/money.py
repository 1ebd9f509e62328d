"""Money as integer minor units and an ISO 4217 currency; decimal strings only at the edge.

Never floats, never two currencies in one sum, and every division names its rounding.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum
from typing import Self

import msgspec

from shared.currencies import CURRENCIES, exponent

AMOUNT_MINOR_MAX = 10**15  # fits a bigint with room for sums over every order of a year
BASIS_POINTS = 10_000

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,4}))?")


class InvalidMoneyError(ValueError):
    """An amount or currency that is no money: floats, wrong precision, mixed currencies, overflow."""


class Rounding(StrEnum):
    """The rounding rule of one place; each place declares exactly one."""

    HALF_EVEN = ROUND_HALF_EVEN
    HALF_UP = ROUND_HALF_UP
    UP = ROUND_UP
    DOWN = ROUND_DOWN


class MoneyWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money as clients see it: `{"amount": "12.34", "currency": "EUR"}`."""

    amount: str
    currency: str


class Money(msgspec.Struct, frozen=True, order=False):
    """An exact amount. Invariant: an int within ±AMOUNT_MINOR_MAX, a currency of ISO 4217."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise InvalidMoneyError(f"amount_minor must be an int, got {type(self.amount_minor).__name__}")
        if not -AMOUNT_MINOR_MAX <= self.amount_minor <= AMOUNT_MINOR_MAX:
            raise InvalidMoneyError("amount out of range")
        if self.currency not in CURRENCIES:
            raise InvalidMoneyError("currency must be an ISO 4217 code such as EUR")

    @classmethod
    def parse(cls, amount: str, currency: str) -> Self:
        """Read a decimal string; more fraction digits than the currency has are refused, not rounded."""
        # a float must be refused by name, not break in the regular expression
        match = _DECIMAL.fullmatch(amount) if isinstance(amount, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        if match is None:
            raise InvalidMoneyError("amount must be a decimal string such as '12.34'")
        if currency not in CURRENCIES:
            raise InvalidMoneyError("currency must be an ISO 4217 code such as EUR")
        digits = exponent(currency)
        fraction = match.group(2) or ""
        if len(fraction) > digits:
            raise InvalidMoneyError(f"{currency} has {digits} fraction digits")
        minor = int(match.group(1) + fraction.ljust(digits, "0"))
        return cls(-minor if amount.startswith("-") else minor, currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    @classmethod
    def from_wire(cls, wire: MoneyWire) -> Self:
        """Read the wire form; raises InvalidMoneyError."""
        return cls.parse(wire.amount, wire.currency)

    def to_wire(self) -> MoneyWire:
        return MoneyWire(self.decimal_string, self.currency)

    @property
    def decimal_string(self) -> str:
        """The amount in major units with exactly the currency's fraction digits."""
        digits = exponent(self.currency)
        sign = "-" if self.amount_minor < 0 else ""
        text = str(abs(self.amount_minor)).rjust(digits + 1, "0")
        return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            raise InvalidMoneyError("money is multiplied by whole numbers only")
        return Money(self.amount_minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.amount_minor < other.amount_minor

    def __le__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.amount_minor <= other.amount_minor

    def __gt__(self, other: "Money") -> bool:
        return other < self

    def __ge__(self, other: "Money") -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def _same_currency(self, other: object) -> None:
        if not isinstance(other, Money):
            raise InvalidMoneyError(f"money and {type(other).__name__} do not mix")
        if other.currency != self.currency:
            raise InvalidMoneyError(f"{self.currency} and {other.currency} do not mix")


def allocate(total: Money, weights: Sequence[int]) -> list[Money]:
    """Split by weight with the largest-remainder method; the parts sum exactly to the total.

    Ties go to the earlier weight. All weights zero: spread as if they were equal.
    """
    if not weights or any(type(weight) is not int or weight < 0 for weight in weights):
        raise InvalidMoneyError("weights must be non-negative whole numbers, at least one")
    if not any(weights):
        weights = [1] * len(weights)
    sign, amount, whole = (-1 if total.amount_minor < 0 else 1), abs(total.amount_minor), sum(weights)
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return [Money(sign * part, total.currency) for part in parts]


def percentage(money: Money, rate_bp: int, rounding: Rounding) -> Money:
    """Return rate_bp basis points of an amount (1900 = 19 %), rounded to minor units by the given rule."""
    if type(rate_bp) is not int:
        raise InvalidMoneyError("rates are whole basis points")
    exact = Decimal(money.amount_minor * rate_bp) / BASIS_POINTS
    return Money(int(exact.quantize(Decimal(1), rounding=rounding.value)), money.currency)
