"""Figures made of figures: shares, and how often stock turns over. Exact decimals, rounded half up at the end."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

TURN_STEP = Decimal("0.0001")
UNITS_STEP = Decimal("0.01")


def share_bp(part: int, whole: int) -> int | None:
    """The part in basis points of the whole, of which there must be some."""
    if whole <= 0:
        return None
    return int((Decimal(part) * 10_000 / whole).quantize(Decimal(1), ROUND_HALF_UP))


def average_on_hand(opening: int, weighted: int, *, days: int) -> Decimal:
    """Units lying there at the ends of the days, on average.

    `weighted` is the sum of each change times the days from its own to the last: it lies there at each of their ends.
    """
    return (opening + Decimal(weighted) / days).quantize(UNITS_STEP, ROUND_HALF_UP)


def stock_turn(sold: int, average: Decimal) -> Decimal | None:
    """Units sold for each unit lying there; None when nothing did."""
    if average <= 0:
        return None
    return (sold / average).quantize(TURN_STEP, ROUND_HALF_UP)


def months_between(first: date, later: date) -> int:
    """Calendar months from one first of a month to another."""
    return (later.year - first.year) * 12 + later.month - first.month
