"""INV-22: an answer's canaries belong to its caller: nobody sees another's cart, or another's thing."""

from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.resilience import CART, LOOK

FOREIGN: Final = "foreign_answer"
"""What a client notes of an answer that lacks its own canary."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    for operation in evidence.operations:
        journey = operation.invoke.function
        if journey not in (LOOK, CART) or operation.latency_s is None:
            continue
        if operation.outcome == "ok" or operation.error == FOREIGN:
            findings.check()
        if operation.error == FOREIGN:
            findings.violation(
                "foreign_answer",
                f"{journey} was answered with what somebody else had asked for",
                at=evidence.facts.epoch(operation.last.time_s),
                trace_id=operation.last.trace_id,
            )
    return findings.result()


CHECKER = Checker(
    id="INV-22",
    name="no-cross-user",
    statement="an answer's canaries belong to its caller",
    witness="canaries in the client history",
    needs=(),
    examine=examine,
)
