"""What an assessment found, in the shape that security people read: every attack with severity, weakness, evidence and
remediation, those that succeeded first. Made of a run's history alone, so that a saved run is assessed again.
"""

from collections import defaultdict
from pathlib import Path
from typing import Final, Literal

import msgspec

from scenarios.evidence import Evidence
from scenarios.history import Operation
from scenarios.probes.card import ATTACK, AttackOutcome, Exchange, ProbeCard
from scenarios.sarif import sarif

FINDINGS: Final = "findings.json"
SARIF: Final = "findings.sarif"
State = Literal["succeeded", "not tried", "repelled"]
WORST_FIRST: Final[tuple[State, ...]] = ("succeeded", "not tried", "repelled")
TONES: Final[dict[State, str]] = {"succeeded": "fail", "not tried": "invalid", "repelled": "pass"}


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """One attack over all times that it was played. An attack that did not come to its service was not tried."""

    card: ProbeCard
    state: State
    gains: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    requests: int = 0
    played: int = 0
    succeeded: int = 0

    @property
    def tone(self) -> str:
        """Of the report: how its row looks."""
        return TONES[self.state]

    @property
    def weakness_url(self) -> str:
        """Where the weakness is explained."""
        return f"https://cwe.mitre.org/data/definitions/{self.card.cwe}.html"


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """All attacks of a run, the worst first; none where nobody attacked."""

    scenario: str
    seed: int
    defect: str | None = None
    attacks: tuple[Assessed, ...] = ()


def assess(evidence: Evidence) -> Assessment:
    """The attacks of a run and what came of them."""
    played: dict[str, list[Operation]] = defaultdict(list)
    for operation in evidence.operations:
        if operation.invoke.function == ATTACK and operation.invoke.value is not None:
            played[operation.invoke.key].append(operation)
    every = [_assessed(operations) for operations in played.values()]
    every.sort(key=lambda one: (WORST_FIRST.index(one.state), -one.card.severity.score, one.card.id))
    facts = evidence.facts
    return Assessment(scenario=facts.scenario, seed=facts.seed, defect=facts.defect, attacks=tuple(every))


def write_findings(assessment: Assessment, run_dir: Path) -> None:
    """As JSON for programs of one's own, and as SARIF for those of everybody."""
    (run_dir / FINDINGS).write_bytes(msgspec.json.format(msgspec.json.encode(assessment), indent=2) + b"\n")
    log = sarif(
        [(one.card, one.state, one.gains, one.exchanges) for one in assessment.attacks],
        run=f"{assessment.scenario}/{assessment.seed}",
    )
    (run_dir / SARIF).write_bytes(msgspec.json.format(msgspec.json.encode(log), indent=2) + b"\n")


def _assessed(operations: list[Operation]) -> Assessed:
    card = msgspec.convert(operations[0].invoke.value, ProbeCard)
    outcomes = [
        msgspec.convert(operation.completion.value, AttackOutcome)
        for operation in operations
        if operation.completion is not None and operation.completion.value is not None
    ]
    won = [outcome for outcome in outcomes if outcome.gains]
    told = won[0] if won else outcomes[0] if outcomes else AttackOutcome(probe=card.id)
    tried = len(outcomes) == len(operations) and all(outcome.reached for outcome in outcomes)
    return Assessed(
        card=card,
        state="succeeded" if won else "repelled" if tried else "not tried",
        gains=told.gains,
        exchanges=told.exchanges,
        requests=sum(outcome.requests for outcome in outcomes),
        played=len(operations),
        succeeded=len(won),
    )
