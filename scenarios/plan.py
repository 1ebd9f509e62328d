"""The words a drill file is written in: what is sold to whom, which faults come when, what is judged."""

from typing import Any

import msgspec

from scenarios.defects.card import DefectCard
from scenarios.evidence.facts import Demand
from scenarios.faults.fault import Fault


class FaultStep(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and its cue: the share of the supply that clients have had confirmed.

    Healed after `for_s` seconds; None is at the end of the load.
    """

    fault: Fault
    at_confirmed_share: float
    for_s: float | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. `forms` are named parameter sets of its workload; every form has a `full` and a `quick`."""

    id: str
    title: str
    story: str
    forms: dict[str, dict[str, Any]]
    faults: dict[str, tuple[FaultStep, ...]]
    scale: dict[str, int]
    required: tuple[Demand, ...]
    skips: dict[str, str]
    psp: dict[str, dict[str, Any]]
    """How the payment provider behaves in a form, as its control interface takes it."""
    quiesce_s: dict[str, float]
    defects: tuple[DefectCard, ...]
    repair: str = ""

    def defect(self, defect_id: str) -> DefectCard:
        """The card of a defect. Raises KeyError."""
        for card in self.defects:
            if card.id == defect_id:
                return card
        raise KeyError(defect_id)
