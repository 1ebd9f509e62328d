"""INV-25: what a fault or overload explains is counted, everything else that was logged as an error is told."""

from typing import Any

import pytest
from msgspec.structs import replace

from scenarios.checkers import Outcome
from scenarios.evidence import FaultFired
from scenarios.evidence.logs import LogLine
from scenarios.history import Record
from scenarios.probes.card import ATTACK
from tests.support.anomalies import answered_500, judged
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT


def log_line(event: str, **fields: Any) -> LogLine:
    about = {"level": "info", "service": "orders", "instance": "orders-1", **fields}
    return LogLine(at=LOAD_STARTED_AT, event=event, **about)


@pytest.mark.parametrize(
    "line",
    [
        log_line("request", status=503),
        log_line("request", status=504),
        log_line("Group Coordinator Request failed", level="error", logger="aiokafka"),
        log_line("job_failed", level="error", job="send", failures=2),
        log_line("database_error", level="error", message="canceling statement due to user request"),
        log_line("database_error", level="error", message='duplicate key value violates "reservations_pkey"'),
    ],
    ids=lambda line: f"{line.event}-{line.status}-{line.message}",
)
def test_what_overload_or_an_engine_explains_is_counted_and_no_violation(line: LogLine) -> None:
    evidence = FlashSale().evidence()
    evidence.logs.append(line)
    result = judged(evidence, "INV-25")
    assert result.outcome is Outcome.PASS
    assert sum(result.observed.values()) == 1


def test_a_breaker_of_the_service_that_was_struck_is_explained_and_another_is_not() -> None:
    evidence = FlashSale().evidence()
    evidence.logs.append(log_line("breaker_opened", level="warning", target="inventory"))
    assert judged(evidence, "INV-25").outcome is Outcome.PASS
    evidence.logs.append(log_line("breaker_opened", level="warning", target="catalog"))
    assert judged(evidence, "INV-25").counts == {"breaker_opened": 1}


@pytest.mark.parametrize(
    ("struck", "explained"),
    [
        ("catalog-1", True),
        ("orders→catalog", True),
        ("postgres", True),
        ("fork-parent", True),
        ("auth-1", False),
        ("orders→psp", False),
    ],
)
def test_a_fault_explains_the_breaker_of_what_it_struck(struck: str, explained: bool) -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired("kill", LOAD_STARTED_AT, struck, confirmed=True))
    evidence.logs.append(log_line("breaker_opened", level="warning", target="catalog"))
    assert (judged(evidence, "INV-25").outcome is Outcome.PASS) == explained


@pytest.mark.parametrize(("struck", "explained"), [("postgres", True), ("orders-1", False)])
def test_what_a_killed_server_leaves_says_so(struck: str, explained: bool) -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired("kill", LOAD_STARTED_AT, struck, confirmed=True))
    message = "terminating connection due to unexpected postmaster exit"
    evidence.logs.append(log_line("database_error", level="error", message=message))
    assert (judged(evidence, "INV-25").outcome is Outcome.PASS) == explained


@pytest.mark.parametrize(("before_the_run_s", "explained"), [(1.0, True), (-1.0, False)])
def test_a_letter_is_this_runs_when_its_record_was_published_in_it(before_the_run_s: float, explained: bool) -> None:
    evidence = FlashSale().evidence()
    at = evidence.facts.started_at - before_the_run_s
    evidence.logs.append(log_line("dead_letter", level="error", published_at=at))
    assert (judged(evidence, "INV-25").outcome is Outcome.PASS) == explained


def test_a_repair_does_not_unwrite_a_log_and_is_not_blamed_for_it() -> None:
    evidence = FlashSale().evidence()
    answered_500(evidence)
    assert judged(evidence, "INV-25").outcome is Outcome.FAIL
    evidence.facts.repaired = True
    assert judged(evidence, "INV-25").outcome is Outcome.PASS


def test_a_run_whose_logs_were_not_read_is_too_weak() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.log_lines = 0
    assert judged(evidence, "INV-25").outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("attack", "after_s", "explained"),
    [("webhook-mismatch", 1.0, True), ("webhook-mismatch", 60.0, False), ("webhook-replay", 1.0, False)],
)
def test_a_payment_put_to_review_is_the_answer_to_a_mismatch_and_to_nothing_else(
    attack: str, after_s: float, explained: bool
) -> None:
    evidence = FlashSale().evidence()
    at = evidence.history[-1].time_s
    common: dict[str, Any] = {"process": 9_001, "function": ATTACK, "key": attack}
    evidence.history.append(Record(len(evidence.history), at, type="invoke", **common))
    evidence.history.append(Record(len(evidence.history), at, type="fail", error="repelled", **common))
    line = log_line("payment_needs_review", level="error", service="payments")
    evidence.logs.append(replace(line, at=evidence.facts.epoch(at + after_s)))
    assert (judged(evidence, "INV-25").outcome is Outcome.PASS) == explained
