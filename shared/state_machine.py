"""A transition table over a StrEnum: which status may follow which, and a refusal for the rest.

Holds no state itself; the store repeats the rule in its conditional UPDATE (`sources_of`).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import Kind, Refusal

S = TypeVar("S", bound=StrEnum)


class IllegalTransition(Refusal):
    """The thing is not in a status from which this is possible."""

    code = "illegal_transition"
    kind = Kind.CONFLICT


class TransitionTable(Generic[S]):
    """Every status of the enum and its successors. Invariant: complete, and closed over the enum."""

    def __init__(self, transitions: Mapping[S, AbstractSet[S]], *, refusal: type[Refusal] = IllegalTransition) -> None:
        if not transitions:
            raise ValueError("a transition table needs at least one status")
        states = type(next(iter(transitions)))
        missing = set(states) - set(transitions)
        if missing:
            raise ValueError(f"no row for {sorted(missing)}: terminal statuses have an empty set")
        strangers = {target for targets in transitions.values() for target in targets} - set(states)
        if strangers:
            raise ValueError(f"unknown targets {sorted(strangers)}")
        self._successors = {state: frozenset(targets) for state, targets in transitions.items()}
        self._refusal = refusal

    def allows(self, current: S, wanted: S) -> bool:
        """Tell whether `wanted` may follow `current`; a status never follows itself unless listed."""
        return wanted in self._successors[current]

    def check(self, current: S, wanted: S) -> None:
        """Raise the table's refusal (extra: from_status, to_status) when the transition is not allowed."""
        if not self.allows(current, wanted):
            raise self._refusal(
                f"cannot go from {current.value} to {wanted.value}",
                from_status=current.value,
                to_status=wanted.value,
            )

    def is_terminal(self, state: S) -> bool:
        return not self._successors[state]

    def sources_of(self, wanted: S) -> tuple[S, ...]:
        """Statuses that may precede `wanted`, for `UPDATE … WHERE status = ANY(…)`."""
        return tuple(state for state, targets in self._successors.items() if wanted in targets)

    def rows(self) -> dict[S, frozenset[S]]:
        """The whole table, for generated documents and exhaustive tests."""
        return dict(self._successors)
