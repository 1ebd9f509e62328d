"""What a rare state is, and how the states of a run are counted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from scenarios.evidence.bundle import Evidence


@dataclass(frozen=True)
class RareState:
    """Something a run must have reached to be worth a verdict. `count` is pure and reads evidence of one run only."""

    id: str
    statement: str
    count: Callable[[Evidence], int]


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """How often a state was reached. Only a demanded one makes a run INVALID by staying at 0."""

    id: str
    statement: str
    count: int
    demanded: bool = True

    @property
    def missing(self) -> bool:
        return self.demanded and not self.count


def happened(states: Iterable[RareState], evidence: Evidence) -> tuple[Happened, ...]:
    """The states that the run's facts name, those it demands first; a name without a state was never reached."""
    known = {state.id: state for state in states}
    named = dict.fromkeys(evidence.facts.required, True) | {
        name: False for name in evidence.facts.watched if name not in evidence.facts.required
    }
    return tuple(
        Happened(
            id=name,
            statement=known[name].statement if name in known else "no longer in the catalogue",
            count=known[name].count(evidence) if name in known else 0,
            demanded=demanded,
        )
        for name, demanded in named.items()
    )
