"""The incident: bills are paid twice."""

from collections import Counter

from scenarios.checkers import Checker
from scenarios.checkers.result import Finding, Findings
from scenarios.cues import After, OnSignal
from scenarios.evidence import Evidence
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from tests.support.fakes.noop import NoopFault
from tests.support.fakes.tiny_incident.workload import HALF_PAID, PAY, BillParameters, PayBills


def _examine(evidence: Evidence) -> Finding:
    """The provider's journal against what the client wanted."""
    findings = Findings(evidence)
    wanted = {operation.invoke.value["bill"] for operation in evidence.operations if operation.invoke.function == PAY}
    findings.require(wanted, "nobody paid anything")
    captured = Counter(line.merchant_reference for line in evidence.journals.psp if line.kind == "capture")
    for bill in sorted(wanted):
        findings.check()
        if captured[bill] != 1:
            findings.violation("not_paid_once", f"{bill} was captured {captured[bill]} ×")
    return findings.result()


PAID_ONCE = Checker(
    id="TINY-01",
    name="paid-once",
    statement="every bill is captured once",
    witness="the payment provider's journal",
    needs=(),
    examine=_examine,
)

SCENARIO = Scenario(
    id="bills-paid-twice",
    title="Bills are paid twice",
    story="Customers see the same bill twice on their statements.",
    workload=PayBills(),
    forms={
        FULL: Form(parameters=BillParameters(bills=20), quiesce_s=20.0),
        QUICK: Form(
            parameters=BillParameters(),
            faults=(
                FaultStep(fault=NoopFault("at once"), at=After(0.0)),
                FaultStep(fault=NoopFault("half way"), at=OnSignal(HALF_PAID), for_s=0.0),
            ),
            quiesce_s=20.0,
        ),
    },
    checkers=(PAID_ONCE,),
)
