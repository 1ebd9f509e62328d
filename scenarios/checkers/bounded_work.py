"""INV-19: trouble does not multiply work: calls, loads and connections stay what visitors need on a good day."""

from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence

WORK: Final = "work"
"""The subject of the figures that this is about: `name` and, under `name bound`, the most it may be."""
BOUND: Final = " bound"


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    measured = evidence.facts.figures.get(WORK, {})
    bounds = {name.removesuffix(BOUND): most for name, most in measured.items() if name.endswith(BOUND)}
    findings.require(bounds, "no work was measured")
    for name, most in bounds.items():
        value = measured.get(name)
        findings.require(value is not None, f"{name} was not measured")
        if value is None:
            continue
        findings.check()
        if value > most:
            findings.violation("work_unbounded", f"{name}: {value:g}, at most {most:g}")
    return findings.result()


CHECKER = Checker(
    id="INV-19",
    name="bounded-work",
    statement="calls per request, loads per forgotten entry and connections per instance stay within their bounds",
    witness="counters of every process and of the database server",
    needs=(),
    examine=examine,
)
