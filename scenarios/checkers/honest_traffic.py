"""INV-26: honest customers are served while the shop is attacked: hardly an error, and no more than twice the wait.

The witness is the clients' own history, before the attack and beside it.
"""

from collections.abc import Sequence
from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.history import Operation
from scenarios.probes.card import ATTACK

HONEST: Final = "honest"
"""The function of an honest customer's request in the history."""
ERRORS_PER_THOUSAND_MAX: Final = 1
SLOWER_MAX: Final = 2.0
BASELINE_S_MIN: Final = 0.05
"""A wait that nobody notices counts as this long: twice a few milliseconds is the noise of a busy machine."""
BASELINE_S_MAX: Final = 0.25
"""A shop that is slower than this before anybody attacks is short of a machine: what it does then says nothing."""
REQUESTS_MIN: Final = 200
"""Before the attack and beside it; of fewer there is no percentile to speak of."""
EXCEEDING_MIN: Final = 5
"""How many waits must be longer at least: one stall of the machine is no percentile."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    attacks = [operation for operation in evidence.operations if operation.invoke.function == ATTACK]
    findings.require(attacks, "nobody attacked")
    if not attacks:
        return findings.result()
    began = min(operation.invoke.time_s for operation in attacks)
    ended = max(operation.last.time_s for operation in attacks)
    asked = [operation for operation in evidence.operations if operation.invoke.function == HONEST]
    before = [operation for operation in asked if operation.last.time_s < began]
    beside = [operation for operation in asked if began <= operation.invoke.time_s <= ended]
    findings.require(len(before) >= REQUESTS_MIN, f"{len(before)} honest requests before the attack")
    findings.require(len(beside) >= REQUESTS_MIN, f"{len(beside)} honest requests beside the attack")
    findings.check(len(before) + len(beside))
    findings.observe("honest requests before the attack", len(before))
    findings.observe("honest requests beside the attack", len(beside))
    _judge_errors(evidence, beside, findings)
    if before and beside:
        _judge_waits(before, beside, findings)
    return findings.result()


def _judge_errors(evidence: Evidence, beside: Sequence[Operation], findings: Findings) -> None:
    failed = [operation for operation in beside if operation.outcome != "ok"]
    if len(failed) * 1000 < ERRORS_PER_THOUSAND_MAX * len(beside):
        findings.observe("honest requests that failed", len(failed))
        return
    for operation in failed:
        findings.violation(
            "honest_request_failed",
            f"{operation.invoke.value}: {operation.error}",
            at=evidence.facts.epoch(operation.last.time_s),
            trace_id=operation.trace_id,
        )


def _judge_waits(before: Sequence[Operation], beside: Sequence[Operation], findings: Findings) -> None:
    findings.require(
        p99_s(before) <= BASELINE_S_MAX,
        f"p99 was {p99_s(before) * 1000:.0f} ms before anybody attacked: a busy machine",
    )
    if p99_s(before) > BASELINE_S_MAX:
        return
    baseline = max(p99_s(before), BASELINE_S_MIN)
    attacked = p99_s(beside)
    findings.observe("p99 before the attack, ms", round(p99_s(before) * 1000))
    findings.observe("p99 beside the attack, ms", round(attacked * 1000))
    if attacked > SLOWER_MAX * baseline:
        findings.violation(
            "honest_traffic_slowed",
            f"p99 rose from {baseline * 1000:.0f} ms to {attacked * 1000:.0f} ms",
            weight=round(attacked * 1000),
        )


def p99_s(operations: Sequence[Operation]) -> float:
    """The wait that one request in a hundred exceeds, and at least EXCEEDING_MIN do, in seconds; 0 of too few."""
    waits = sorted(operation.latency_s for operation in operations if operation.latency_s is not None)
    longer = max(EXCEEDING_MIN, len(waits) // 100)
    return waits[-1 - longer] if len(waits) > longer else 0.0


CHECKER = Checker(
    id="INV-26",
    name="honest-served",
    statement=(
        "while the shop is attacked fewer than one honest request in a thousand fails, and the slowest in a hundred "
        "waits at most twice as long as before"
    ),
    witness="client history",
    needs=(),
    examine=examine,
)
