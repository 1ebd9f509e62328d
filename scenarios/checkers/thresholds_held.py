"""LOAD-01: what was measured of the load itself, against what it was to reach."""

from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence

MEASURED: Final = "load"
"""The subject of the figures that thresholds are about."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    measured = evidence.facts.figures.get(MEASURED, {})
    for threshold in evidence.facts.thresholds:
        value = measured.get(threshold.figure)
        if value is None:
            findings.require(False, f"{threshold.figure} was not measured")
            continue
        findings.check()
        if not threshold.admits(value):
            findings.violation("threshold_missed", f"{threshold.figure} was {value:g}, to be {threshold.said}")
    return findings.result()


CHECKER = Checker(
    id="LOAD-01",
    name="thresholds-held",
    statement="every figure of the load is within its threshold",
    witness="the load generator's own clock and counters",
    needs=(),
    examine=examine,
)
