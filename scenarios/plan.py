"""The words a drill file is written in: which workload with which parameters, which faults come when, who judges."""

from typing import Any

import msgspec

from scenarios.checkers import ALL_CHECKERS, Checker
from scenarios.cues import Cue
from scenarios.defects.card import DefectCard
from scenarios.faults.fault import Fault
from scenarios.rare_states import RareState
from scenarios.workloads.workload import Workload

FULL = "full"
QUICK = "quick"


class FaultStep(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and its cue. Healed after `for_s` seconds; None is at the end of the load."""

    fault: Fault
    at: Cue
    for_s: float | None = None

    def __str__(self) -> str:
        return f"{self.fault.name} {self.fault.target} {self.at}"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One way to play a scenario: the parameters of its workload, and what else happens."""

    parameters: msgspec.Struct
    faults: tuple[FaultStep, ...] = ()
    psp: dict[str, Any] = {}
    """How the payment provider behaves, as its control interface takes it."""
    required: tuple[RareState, ...] = ()
    """What this form must have reached beside what every form must."""
    scale: dict[str, int] = {}
    """How many instances of a service this form needs beside those that every form does."""
    skips: dict[str, str] = {}
    """Invariants that this form gives no occasion for, with the reason."""
    quiesce_s: float
    """How long the fleet has to come to rest after the load."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Every scenario has the forms `full` and `quick`.

    `scale` is how many instances of a service it needs; `skips` are invariants it does not judge, with the reason;
    `required` are the rare states that every form must have reached, or its run is INVALID. `replay` is the
    command that plays one which is not in the catalogue.
    """

    id: str
    title: str
    story: str
    workload: Workload[Any, Any]
    forms: dict[str, Form]
    scale: dict[str, int] = {}
    required: tuple[RareState, ...] = ()
    skips: dict[str, str] = {}
    checkers: tuple[Checker, ...] = ALL_CHECKERS
    defects: tuple[DefectCard, ...] = ()
    repair: str = ""
    replay: str = ""

    def defect(self, defect_id: str) -> DefectCard:
        """The card of a defect. Raises KeyError."""
        for card in self.defects:
            if card.id == defect_id:
                return card
        raise KeyError(defect_id)

    def rare_states(self, form: Form) -> tuple[list[str], list[str]]:
        """The ids of the states that a form demands, and of those that only another form does."""
        required = [state.id for state in (*self.required, *form.required)]
        others = (state.id for other in self.forms.values() for state in other.required)
        return required, sorted(set(others) - set(required))
