"""INV-26: while something is away, every journey does what was promised for that, and health says the truth."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from scenarios.checkers.recovers import IN_FLIGHT, is_good
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.facts import Course, FaultFired
from scenarios.history import Operation
from scenarios.resilience import JOURNEYS, NEEDS, RESILIENCE, dependency_of

KEPT_SHARE_MIN: Final = 0.9
SETTLE_S: Final = 1.5
"""What the breakers get to notice: within two seconds all instances know."""
BROKEN_MIN: Final = 2
"""One of a few is an accident."""
OPERATIONS_MIN: Final = 3
CODE: Final = re.compile("[a-z]+(_[a-z]+)+")
NO_ANSWER: Final = frozenset({"upstream_timeout", "deadline_exceeded", "internal_error", "request_timeout"})
"""Codes by which nobody learns what became of a request: whoever should have said it did not."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    course = evidence.facts.course
    away = [it for it in evidence.facts.faults if dependency_of(it.target) in RESILIENCE]
    findings.require(course is not None and away, "nothing was away that anything was promised for")
    for fault in away:
        if course is not None:
            _judge_journeys(evidence, fault, course, findings)
        _judge_health(evidence, fault, findings)
    return findings.result()


def _judge_journeys(evidence: Evidence, fault: FaultFired, course: Course, findings: Findings) -> None:
    dependency = dependency_of(fault.target)
    asked: dict[str, list[Operation]] = {journey: [] for journey in JOURNEYS}
    for operation in _during(evidence, fault):
        at = evidence.facts.epoch(operation.invoke.time_s)
        in_surge = course.surge_at <= at < course.surge_until
        if operation.invoke.function in asked and operation.error != IN_FLIGHT and not in_surge:
            asked[operation.invoke.function].append(operation)
    for journey, promise in RESILIENCE[dependency].items():
        operations = asked[journey]
        if len(operations) < OPERATIONS_MIN:
            findings.observe(f"too few to judge {journey} without {dependency}", 1)
            continue
        findings.check(len(operations))
        kept = [
            is_good(it, within_s=course.good_within_s) if promise == "works" else _is_definite(it) for it in operations
        ]
        if sum(kept) < KEPT_SHARE_MIN * len(kept) and len(kept) - sum(kept) >= BROKEN_MIN:
            said = Counter(
                it.error or it.outcome for it, was_kept in zip(operations, kept, strict=True) if not was_kept
            )
            findings.violation(
                "promise_broken",
                f"{journey} without {dependency}: {sum(kept)} of {len(kept)} as promised ({promise}); "
                f"else {', '.join(f'{what} ×{count}' for what, count in said.most_common(3))}",
                at=fault.bit_at,
                weight=len(kept) - sum(kept),
            )


def _judge_health(evidence: Evidence, fault: FaultFired, findings: Findings) -> None:
    """Somebody who needs what is away must say so; who says that all is well while it is not has lied."""
    for service in NEEDS.get(dependency_of(fault.target), ()):
        said = [it for it in _during(evidence, fault) if it.invoke.function == ready_at(service)]
        if len(said) < OPERATIONS_MIN:
            continue
        findings.check(len(said))
        if all(it.outcome == "ok" for it in said):
            findings.violation(
                "health_lied",
                f"{service} called itself ready {len(said)} times without {dependency_of(fault.target)}",
                at=fault.bit_at,
            )


def _is_definite(operation: Operation) -> bool:
    """Answered: done, refused, or told by a code that it may have happened. A time-out tells nothing."""
    error = operation.error or ""
    return operation.outcome != "info" or (CODE.fullmatch(error) is not None and error not in NO_ANSWER)


def ready_at(service: str) -> str:
    """The name, in the history, of asking a service whether it is ready."""
    return f"ready {service}"


def _during(evidence: Evidence, fault: FaultFired) -> Iterable[Operation]:
    """What began when the fault was in force and had been noticed."""
    if fault.bit_at is None or fault.healed_at is None:
        return
    for operation in evidence.operations:
        if fault.bit_at + SETTLE_S <= evidence.facts.epoch(operation.invoke.time_s) < fault.healed_at - 0.5:
            yield operation


CHECKER = Checker(
    id="INV-26",
    name="promises-kept",
    statement="without a dependency each journey does what was promised for that, and readiness tells the truth",
    witness="client history",
    needs=(),
    examine=examine,
)
