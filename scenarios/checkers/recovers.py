"""INV-20: a shop whose trigger is gone is soon what it was before, without an operator."""

from collections.abc import Sequence
from typing import Final

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.facts import Course
from scenarios.history import Operation
from scenarios.resilience import JOURNEYS

SHARE_OF_BASELINE_MIN: Final = 0.95
BASELINE_SHARE_MIN: Final = 0.9
WINDOW_S: Final = 3.0
STEP_S: Final = 0.5
OPERATIONS_MIN: Final = 20
IN_FLIGHT: Final = "request_in_flight"
"""What the second of two clicks hears while the first is being answered: neither good nor bad."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    course = evidence.facts.course
    if course is None:
        findings.require(False, "there was no trigger to recover from")
        return findings.result()
    arrivals = _arrivals(evidence, course)
    findings.check(len(arrivals))
    before = _share(arrivals, course.baseline_at, course.baseline_until)
    findings.require(
        before is not None and before >= BASELINE_SHARE_MIN, f"the shop was not well before: {_said(before)}"
    )
    gone_at = max([course.surge_until, *(it.healed_at for it in evidence.facts.faults if it.healed_at is not None)])
    enough = (before or 0.0) * SHARE_OF_BASELINE_MIN
    after = _share(arrivals, gone_at, course.ended_at)
    findings.require(after is not None, "nobody came after the trigger")
    if before is None or after is None:
        return findings.result()
    recovered_at = _recovered_at(arrivals, gone_at, course.ended_at, enough)
    late = recovered_at is None or recovered_at - gone_at > course.recovery_s_max
    if late and course.squeezed:
        findings.require(False, course.squeezed)
    elif recovered_at is None:
        findings.violation(
            "not_recovered",
            f"{_said(_share(arrivals, course.ended_at - WINDOW_S, course.ended_at))} of answers were good at the end, "
            f"{course.ended_at - gone_at:.0f} s after the trigger; {_said(before)} before it",
            at=gone_at,
        )
    else:
        findings.observe("milliseconds to recovery", round((recovered_at - gone_at) * 1_000))
        if recovered_at - gone_at > course.recovery_s_max:
            findings.violation(
                "recovered_late",
                f"{recovered_at - gone_at:.1f} s after the trigger, {course.recovery_s_max:g} s are allowed",
                at=recovered_at,
            )
    return findings.result()


def _arrivals(evidence: Evidence, course: Course) -> list[tuple[float, bool]]:
    """When somebody asked for something, and whether the answer was good, in the order of time."""
    facts = evidence.facts
    asked = (it for it in evidence.operations if it.invoke.function in JOURNEYS and it.error != IN_FLIGHT)
    return sorted((facts.epoch(it.invoke.time_s), is_good(it, within_s=course.good_within_s)) for it in asked)


def is_good(operation: Operation, *, within_s: float) -> bool:
    """Answered well and in time."""
    return operation.outcome == "ok" and operation.latency_s is not None and operation.latency_s <= within_s


def _share(arrivals: Sequence[tuple[float, bool]], from_at: float, until_at: float) -> float | None:
    """The share of good answers of those who came then; None of too few."""
    good = [is_good for at, is_good in arrivals if from_at <= at < until_at]
    return sum(good) / len(good) if len(good) >= OPERATIONS_MIN else None


def _recovered_at(
    arrivals: Sequence[tuple[float, bool]], gone_at: float, ended_at: float, enough: float
) -> float | None:
    """The first moment from which on all goes well, at once and to the end."""
    at = gone_at
    while at + WINDOW_S <= ended_at:
        shares = _share(arrivals, at, at + WINDOW_S), _share(arrivals, at, ended_at)
        if all(share is not None and share >= enough for share in shares):
            return at
        at += STEP_S
    return None


def _said(share: float | None) -> str:
    return "too few to say" if share is None else f"{share:.0%}"


CHECKER = Checker(
    id="INV-20",
    name="recovers",
    statement="good answers reach 95 % of their share before the trigger within the time allowed, with no operator",
    witness="open-model load",
    needs=(),
    examine=examine,
)
