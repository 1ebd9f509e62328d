"""Honest sentences about counts: what so many runs can and cannot show.

Zero in N runs bounds a rate, it does not disprove it: the rule of three gives 3/N at 95 %.
"""

RULE_OF_THREE = 3
ALL = 100
ROUNDED_FROM = 10
ROUNDS_TO_ALL_FROM = 99.5
NEXT_TO_ALL = 99.99


def upper_bound(runs: int) -> float:
    """The highest rate that `runs` clean runs leave possible at 95 %; 1.0 where they show nothing."""
    return min(1.0, RULE_OF_THREE / runs) if runs > 0 else 1.0


def none_in(runs: int, what: str = "violations") -> str:
    """`0 violations in 20 runs (≤ 15 % at 95 %)`."""
    if runs == 0:
        return f"no runs: nothing is known about {what}"
    return f"0 {what} in {runs} {_runs(runs)} (≤ {percent(upper_bound(runs))} at 95 %)"


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


def _runs(runs: int) -> str:
    return "run" if runs == 1 else "runs"
