"""INV-23 of the suite as a whole: what stood stands, no table keeps a secret, the audit log tells.

The witness is the tables, read past the services before the first attack and after the last.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.probes.aftermath import AFTERMATH, AUDITED, Aftermath
from scenarios.probes.card import INVARIANT

Judge = Callable[[Aftermath, Findings], None]


def _judged(judge: Judge) -> Callable[[Evidence], Finding]:
    def examine(evidence: Evidence) -> Finding:
        findings = Findings(evidence)
        looks = [
            msgspec.convert(operation.completion.value, Aftermath)
            for operation in evidence.operations
            if operation.invoke.function == AFTERMATH and operation.outcome == "ok" and operation.completion
        ]
        findings.require(looks, "nobody looked at the tables after the attacks")
        for look in looks:
            judge(look, findings)
        return findings.result()

    return examine


def _unchanged(look: Aftermath, findings: Findings) -> None:
    findings.check(look.compared)
    for table, rows in look.lost.items():
        findings.violation("row_changed", f"{table}: {rows} rows of before are changed or gone", weight=rows)


def _kept_nowhere(look: Aftermath, findings: Findings) -> None:
    findings.check()
    for table in look.secrets:
        findings.violation("secret_in_table", f"{table} holds a password as it is")


def _audited(look: Aftermath, findings: Findings) -> None:
    for kind in AUDITED:
        findings.check()
        if not look.audited.get(kind):
            findings.violation("not_audited", f"the audit log tells of no {kind}")


def _checker(name: str, statement: str, judge: Judge) -> Checker:
    return Checker(
        id=f"{INVARIANT}.{name}",
        name=name,
        statement=statement,
        witness="tables read past the services",
        needs=(),
        examine=_judged(judge),
    )


CHECKERS: Final = (
    _checker("tables-unchanged", "no row that stood before the attacks is changed or gone after them", _unchanged),
    _checker("secrets-nowhere", "no table of any service holds a password as it is", _kept_nowhere),
    _checker("attacks-audited", "the audit log tells of what the attacks did to accounts", _audited),
)
