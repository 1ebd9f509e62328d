"""INV-21: a list of many costs the database as many questions as a list of one."""

from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence

QUERIES: Final = "queries"
"""The subject of the figures: `list: 1` and `list: 20` are transactions per request at that page size."""
EXTRA_MAX: Final = 3.0
"""What one request may seem to cost more: the services' own work goes on meanwhile."""


def grows(least: float, most: float) -> bool:
    """Whether transactions per request at the smallest and the largest page differ by more than noise."""
    return most - least > EXTRA_MAX


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    measured = evidence.facts.figures.get(QUERIES, {})
    lists = sorted({name.rpartition(": ")[0] for name in measured})
    findings.require(lists, "no list was asked for at two sizes")
    for name in lists:
        sizes = {int(key.rpartition(": ")[2]): value for key, value in measured.items() if key.startswith(f"{name}: ")}
        findings.require(len(sizes) > 1, f"{name} was asked for at one size only")
        findings.check(len(sizes))
        least, most = sizes[min(sizes)], sizes[max(sizes)]
        if grows(least, most):
            findings.violation(
                "queries_grow",
                f"{name}: {least:.1f} transactions for {min(sizes)}, {most:.1f} for {max(sizes)}",
                weight=round(most - least),
            )
    return findings.result()


CHECKER = Checker(
    id="INV-21",
    name="constant-queries",
    statement="database work per request does not grow with the page",
    witness="the database server's own counters",
    needs=(),
    examine=examine,
)
