"""INV-25: nothing failed silently: what a fleet logs as its own fault is a violation, though its data look right.

The witnesses are the structured logs of the services and PostgreSQL's own log. What a fault or overload explains is
allowed by name and counted, and so is what an earlier run left in the broker and a consumer was led back over;
everything else that calls itself an error is not.
"""

import re
from collections.abc import Iterable

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.logs import LogLine
from scenarios.probes.card import ATTACK

SHED = frozenset({503, 504})
"""Refused for want of capacity or time: the answer of a fleet that is asked for more than it can do."""
JOB_FAILURES_MAX = 8
"""In a row, with pauses that double: a job may meet an engine that restarts; what fails longer fails on every run."""
OUTAGE_ERRORS = frozenset({"canceling statement due to user request", "canceling statement due to statement timeout"})
"""What PostgreSQL says when a client that was killed or out of time leaves."""
SERVER_DIED = "terminating connection due to unexpected postmaster exit"
"""What is left of PostgreSQL says so when its first process was killed."""
BY_FAULT = "fault: "
"""How a fault begins what it makes PostgreSQL say."""
RACES = frozenset({"reservations_pkey"})
"""Constraints that decide a race by design: a reservation that was ended before its request arrived."""
EXPLAINED_BY_FAULT = {"dead_letter": ("poison", "unprocessable"), "handler_failed": ("unprocessable",)}
"""Own errors that a fault of these families explains, by the beginning of the fault's name."""
EXPLAINED_BY_ATTACK = {"payment_needs_review": "webhook-mismatch"}
"""Own errors that are the right answer to an attack, by the attack's id; said while it is played, or right after."""
ATTACK_ECHO_S = 5.0
ENGINES = frozenset({"postgres", "redis", "kafka", "elasticsearch", "world", "fork-parent", "all"})
NAMES = re.compile(r"[A-Za-z][\w-]*")
INSTANCE_NUMBER = re.compile(r"-\d+$")
SHEDDING_S = 30.0
"""A breaker opened this close to shed requests was opened by them."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.facts.log_lines, "no log was read")
    findings.check(evidence.facts.log_lines)
    for line in evidence.logs:
        if line.event == "request":
            _judge_request(line, findings)
        elif line.event == "breaker_opened":
            _judge_breaker(evidence, line, findings)
        elif line.event == "database_error":
            _judge_database(evidence, line, findings)
        elif line.event == "job_failed":
            _judge_job(line, findings)
        elif line.level in {"error", "critical"}:
            _judge_error(evidence, line, findings)
    return findings.result()


def _judge_request(line: LogLine, findings: Findings) -> None:
    if line.status in SHED:
        findings.observe("requests refused for want of capacity or time")
        return
    _violation(
        "unexpected_5xx", f"{line.instance} answered {line.method} {line.path} with {line.status}", line, findings
    )


def _judge_breaker(evidence: Evidence, line: LogLine, findings: Findings) -> None:
    if _hit(evidence, line.target) or any(_shed_near(evidence.logs, line)):
        findings.observe("breakers opened by a fault or by overload")
        return
    _violation("breaker_opened", f"{line.instance} opened its breaker of {line.target}", line, findings)


def _judge_database(evidence: Evidence, line: LogLine, findings: Findings) -> None:
    if line.message.startswith(BY_FAULT) or (line.message == SERVER_DIED and _killed(evidence, "postgres")):
        findings.observe("database errors that a fault made")
        return
    if line.message in OUTAGE_ERRORS or any(f'"{name}"' in line.message for name in RACES):
        findings.observe("database errors of an outage or a race that a constraint decides")
        return
    kind = "constraint_violated" if "violates" in line.message else "database_error"
    _violation(kind, f"{line.service}: {line.message}", line, findings)


def _judge_job(line: LogLine, findings: Findings) -> None:
    if line.failures < JOB_FAILURES_MAX:
        findings.observe("jobs that failed and went on")
        return
    message = f"{line.instance}: {line.job} failed {line.failures} × in a row: {line.message}"
    _violation("job_keeps_failing", message, line, findings)


def _judge_error(evidence: Evidence, line: LogLine, findings: Findings) -> None:
    if line.logger:
        findings.observe("errors that a library told of")
        return
    if 0.0 < line.published_at < evidence.facts.started_at:
        findings.observe("about records that were published before the run")
        return
    if _explained(evidence, line):
        findings.observe(f"explained by a fault: {line.event}")
        return
    if any(_answers_attack(evidence, line)):
        findings.observe(f"the answer to an attack: {line.event}")
        return
    _violation("error_logged", f"{line.instance}: {line.event} {line.message}".rstrip(), line, findings)


def _explained(evidence: Evidence, line: LogLine) -> bool:
    families = EXPLAINED_BY_FAULT.get(line.event)
    if families is None:
        return False
    return any(fault.confirmed and fault.name.startswith(families) for fault in evidence.facts.faults)


def _answers_attack(evidence: Evidence, line: LogLine) -> Iterable[bool]:
    attack = EXPLAINED_BY_ATTACK.get(line.event)
    return (
        evidence.facts.epoch(it.invoke.time_s) <= line.at <= evidence.facts.epoch(it.last.time_s) + ATTACK_ECHO_S
        for it in evidence.operations
        if attack is not None and (it.invoke.function, it.invoke.key) == (ATTACK, attack)
    )


def _killed(evidence: Evidence, process: str) -> bool:
    return any(it.confirmed and (it.name, it.target) == ("kill", process) for it in evidence.facts.faults)


def _hit(evidence: Evidence, target: str) -> bool:
    """Whether a fault struck the breaker's target, a link to it, or an engine, which all need."""
    struck = {
        INSTANCE_NUMBER.sub("", name)
        for fault in evidence.facts.faults
        if fault.confirmed
        for name in NAMES.findall(fault.target)
    }
    return bool(struck & (ENGINES | {target}))


def _shed_near(logs: Iterable[LogLine], opened: LogLine) -> Iterable[bool]:
    return (line.status in SHED and abs(line.at - opened.at) <= SHEDDING_S for line in logs if line.event == "request")


def _violation(kind: str, message: str, line: LogLine, findings: Findings) -> None:
    """What was logged stays logged after a repair; whether its damage was undone, the other invariants say."""
    findings.damage(kind, message, undone=True, at=line.at, trace_id=line.trace_id)


CHECKER = Checker(
    id="INV-25",
    name="nothing-silent",
    statement="no unexplained 5xx, constraint violation, opened breaker, failing job or logged error",
    witness="structured logs × PostgreSQL's log",
    needs=(),
    examine=examine,
)
