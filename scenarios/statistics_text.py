"""Honest sentences about counts: what so many runs can and cannot show.

Zero in N runs bounds a rate, it does not disprove it: the rule of three gives 3/N at 95 %.
"""

from math import sqrt

Z_95 = 1.959964
RULE_OF_THREE = 3
ALL = 100
ROUNDED_FROM = 10
ROUNDS_TO_ALL_FROM = 99.5
NEXT_TO_ALL = 99.99


def upper_bound(runs: int) -> float:
    """The highest rate that `runs` clean runs leave possible at 95 %; 1.0 where they show nothing."""
    return min(1.0, RULE_OF_THREE / runs) if runs > 0 else 1.0


def interval(count: int, runs: int) -> tuple[float, float]:
    """The 95 % interval (Wilson) of a rate seen `count` times in `runs`.

    Raises ValueError when the counts cannot be.
    """
    if not 0 <= count <= runs or runs == 0:
        raise ValueError(f"{count} of {runs} is no proportion")
    rate = count / runs
    spread = 1 + Z_95**2 / runs
    middle = (rate + Z_95**2 / (2 * runs)) / spread
    half = Z_95 * sqrt(rate * (1 - rate) / runs + Z_95**2 / (4 * runs**2)) / spread
    low = 0.0 if count == 0 else middle - half
    high = 1.0 if count == runs else middle + half
    return low, high


def none_in(runs: int, what: str = "violations", *, of: str = "run") -> str:
    """`0 violations in 20 runs (≤ 15 % at 95 %)`; `of` is one of what is counted."""
    if runs == 0:
        return f"no {of}s: nothing is known about {what}"
    return f"0 {what} in {_many(runs, of)} (≤ {percent(upper_bound(runs))} at 95 %)"


def k_of_n(count: int, runs: int, what: str = "detected", *, of: str = "run") -> str:
    """`detected in 19 of 20 runs`, with its interval at 95 %; none at all is said by the rule of three."""
    if runs == 0:
        return f"no {of}s: nothing is known about {what}"
    if count == 0:
        return f"{what} in 0 of {_many(runs, of)} (≤ {percent(upper_bound(runs))} at 95 %)"
    low, high = interval(count, runs)
    return f"{what} in {count} of {_many(runs, of)} ({_digits(low)}\u2013{percent(high)} at 95 %)"


def percent(rate: float) -> str:
    """A rate in per cent with two significant digits, without a false 0 or 100."""
    return f"{_digits(rate)} %"


def _digits(rate: float) -> str:
    value = rate * 100
    if 0 < value < ROUNDED_FROM:
        return f"{value:.2g}"
    if ROUNDS_TO_ALL_FROM <= value < ALL:
        return f"{min(ALL - float(f'{ALL - value:.1g}'), NEXT_TO_ALL):g}"
    return str(round(value))


def _many(count: int, of: str) -> str:
    return f"{count} {of}" if count == 1 else f"{count} {of}s"
