"""How many units confirmed orders occupy over time, against a limit that may grow.

An order occupies its units from the moment its client is told until it is cancelled, so a unit that
came back and was sold again is counted once. Pure arithmetic; the callers give it meaning.
"""

from collections.abc import Callable, Iterable

import msgspec


class Stay(msgspec.Struct, frozen=True):
    """The units of one order, from `entered_at` until `left_at` (None: it stays)."""

    order_id: str
    units: int
    entered_at: float
    left_at: float | None


class Excess(msgspec.Struct, frozen=True):
    """An order whose entry put the occupied units above the limit, and by how many units in all."""

    stay: Stay
    occupied: int
    limit: int


def excesses(stays: Iterable[Stay], limit_at: Callable[[float], int]) -> list[Excess]:
    """Every entry above the limit, in order of time. Departures at the same instant go first."""
    moments: list[tuple[float, int, Stay]] = []
    for stay in stays:
        if stay.left_at is not None and stay.left_at <= stay.entered_at:
            continue
        moments.append((stay.entered_at, 1, stay))
        if stay.left_at is not None:
            moments.append((stay.left_at, 0, stay))
    found: list[Excess] = []
    occupied = 0
    for at, entering, stay in sorted(moments, key=lambda moment: moment[:2]):
        occupied += stay.units if entering else -stay.units
        limit = limit_at(at)
        if entering and occupied > limit:
            found.append(Excess(stay=stay, occupied=occupied, limit=limit))
    return found
