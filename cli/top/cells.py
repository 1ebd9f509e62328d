"""What a process's signs look like in a table, the same on the board and in a pipe."""

from typing import Final

from scenarios.statistics_text import percent
from scenarios.vital_signs import VitalSigns

COLUMNS: Final = ("process", "requests/s", "errors", "p99", "lag", "outbox", "loop p99", "pool", "breakers")


def cells(one: VitalSigns) -> tuple[str, ...]:
    """One row, in the order of COLUMNS; empty where nothing is told."""
    if not one.answers:
        return (one.name, "no answer", *("" for _ in COLUMNS[2:]))
    return (
        one.name,
        "" if one.requests_s is None else f"{one.requests_s:.1f}",
        percent(one.faults_share) if one.faults_share else "",
        duration(one.p99_s),
        count(one.lag),
        count(one.outbox),
        duration(one.loop_lag_p99_s),
        "" if one.connections_max is None else f"{one.connections_used}/{one.connections_max}",
        ", ".join(f"{target} {state}" for target, state in sorted(one.breakers.items())),
    )


def duration(seconds: float | None) -> str:
    """In milliseconds, or nothing."""
    return "" if seconds is None else f"{seconds * 1_000:.0f} ms"


def count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
