"""A workload, a fault and a checker that do nothing to the fleet: what the harness itself does then shows alone."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta

from scenarios.checkers import Checker
from scenarios.checkers.result import Finding, Findings
from scenarios.cues import Cues
from scenarios.evidence import Evidence, WorkloadFacts
from scenarios.faults.fault import Injected
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.workloads.workload import LoadReport

NOOP = "noop"


@dataclass
class NoopFault:
    """Notes in `journal` when it was injected and healed; refuses or fails to heal with the given error."""

    target: str
    journal: list[str] = field(default_factory=list)
    confirmed: bool = True
    refusal: Exception | None = None
    heal_error: Exception | None = None
    name: str = NOOP

    async def inject(self, fleet: Fleet) -> Injected:
        del fleet
        if self.refusal is not None:
            raise self.refusal
        self.journal.append(f"{self.target} injected")
        return Injected(confirmed=self.confirmed, probe="it did nothing", heal=self._heal)

    async def _heal(self) -> None:
        if self.heal_error is not None:
            raise self.heal_error
        self.journal.append(f"{self.target} healed")


class NoopParameters(msgspec.Struct, frozen=True, kw_only=True):
    """A load of nothing."""

    operations: Annotated[int, Meta(ge=0, le=1_000, description="operations that do nothing")] = 4


@dataclass
class NoopWorkload:
    """Writes operations that do nothing; signals `half` in the middle; notes its phases in `journal`."""

    journal: list[str] = field(default_factory=list)
    problems: tuple[str, ...] = ()

    async def prepare(self, fleet: Fleet, parameters: NoopParameters, *, seed: int) -> NoopParameters:
        del fleet
        self.journal.append(f"prepared with seed {seed}")
        return parameters

    async def play(self, stage: NoopParameters, history: HistoryWriter, cues: Cues) -> LoadReport:
        self.journal.append("play begins")
        process = history.new_process()
        for number in range(stage.operations):
            history.ok(history.invoke(process, NOOP, key=str(number)))
            cues.done((number + 1) / stage.operations)
            if number + 1 == stage.operations // 2:
                cues.signal("half")
        self.journal.append("play ends")
        return LoadReport(figures={"operations": stage.operations}, problems=self.problems)

    def facts(self, stage: NoopParameters, report: LoadReport) -> WorkloadFacts:
        del stage, report
        return WorkloadFacts()


def _examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.check(sum(operation.invoke.function == NOOP for operation in evidence.operations))
    return findings.result()


NOOP_CHECKER = Checker(
    id="NOOP",
    name="noop",
    statement="nothing was done",
    witness="client history",
    needs=(),
    examine=_examine,
)


def noop_scenario(workload: NoopWorkload, *steps: FaultStep) -> Scenario:
    """Nothing, with these faults, judged by the noop checker alone."""
    form = Form(parameters=NoopParameters(), faults=steps, quiesce_s=10.0)
    return Scenario(
        id=NOOP,
        title="Nothing happens",
        story="Nothing happened.",
        workload=workload,
        forms={FULL: form, QUICK: form},
        checkers=(NOOP_CHECKER,),
    )
