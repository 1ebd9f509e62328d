"""Which lines of the logs a judge keeps, and how they read."""

import json
import time
from pathlib import Path

import pytest

from scenarios.evidence.logs import LogLine, postgres_line, service_line
from scenarios.log_reading import logged_traces, read_logs

AT = 1_764_244_800.0
TIME = "2025-11-27T12:00:00.000Z"


def line(**fields: object) -> bytes:
    said = {"time": TIME, "level": "info", "service": "orders", "instance": "orders-1", "event": "request", **fields}
    return json.dumps(said).encode() + b"\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 500, "path": "/x", "method": "GET"},
        {"status": 503},
        {"event": "breaker_opened", "level": "warning", "target": "payments"},
        {"event": "job_failed", "level": "error", "job": "send", "failures": 3},
        {"event": "uncaught", "level": "error", "error": {"type": "KeyError", "message": "'x'", "stack": []}},
    ],
)
def test_what_tells_of_a_failure_is_kept(fields: dict[str, object]) -> None:
    found = service_line(line(**fields), since=AT)
    assert found is not None
    assert (found.at, found.service, found.instance) == (AT, "orders", "orders-1")


def test_a_letter_keeps_when_its_record_was_published() -> None:
    found = service_line(line(event="dead_letter", level="error", published_at=AT - 60.5), since=AT)
    assert found is not None
    assert found.published_at == AT - 60.5


@pytest.mark.parametrize(
    "text", [line(status=200), line(status=409), line(event="relay_active"), b"Traceback (most recent call last):\n"]
)
def test_what_went_well_is_not(text: bytes) -> None:
    assert service_line(text, since=AT) is None


def test_what_is_older_than_the_run_is_not() -> None:
    assert service_line(line(status=500), since=AT + 1) is None


def test_an_error_reads_as_its_type_and_message() -> None:
    found = service_line(line(event="uncaught", level="error", error={"type": "KeyError", "message": "'x'"}), since=0.0)
    assert found is not None
    assert found.message == "KeyError: 'x'"


def test_an_error_of_postgresql_names_its_database() -> None:
    said = 'new row violates check constraint "never_negative"'
    text = f"2025-11-27 12:00:00.000 UTC [4711] inventory/inventory-1:api ERROR:  {said}\n"
    assert postgres_line(text, since=AT) == LogLine(
        at=AT,
        level="error",
        service="inventory",
        instance="postgres",
        event="database_error",
        message=said,
    )


@pytest.mark.parametrize(
    "said", ["LOG:  checkpoint complete", "FATAL:  the database system is starting up", "STATEMENT:  SELECT 1"]
)
def test_what_postgresql_says_beside_errors_is_not_kept(said: str) -> None:
    assert postgres_line(f"2025-11-27 12:00:00.000 UTC [4711] inventory/inventory-1:api {said}\n", since=0.0) is None


def test_what_the_judge_meets_while_it_reads_is_no_error_of_the_shop() -> None:
    text = "2025-11-27 12:00:00.000 UTC [4711] payments/{} FATAL:  connection to client lost\n"
    assert postgres_line(text.format("judge"), since=AT) is None
    assert postgres_line(text.format("payments-1:api"), since=AT) is not None


def test_all_logs_of_a_directory_are_read_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "orders-1.log").write_bytes(line(status=500, time="2025-11-27T12:00:02.000Z") + line(status=200))
    (tmp_path / "gateway-1.log").write_bytes(line(status=502) + b"not json")
    (tmp_path / "kafka.log").write_text("[2025-11-27] ERROR of another kind\n")
    (tmp_path / "postgres.log").write_text(
        "2025-11-27 12:00:01.000 UTC [1] orders/orders-1:api ERROR:  deadlock detected\n"
    )
    kept, read = read_logs(tmp_path, since=AT)
    assert [entry.status or entry.message for entry in kept] == [502, "deadlock detected", 500]
    assert read == 5


def test_a_trace_counts_where_a_line_about_a_request_names_it(tmp_path) -> None:
    lines = (
        '{"event":"other","trace_id":"abc"}',
        '{"event":"request","trace_id":"abc"}',
        '{"event":"x","trace_id":"abd"}',
    )
    (tmp_path / "auth-1.log").write_text("\n".join(lines))
    assert [logged_traces(tmp_path, "auth", [it], since=0.0) for it in ("abc", "abd", "abe")] == [True, False, False]
    assert not logged_traces(tmp_path, "orders", ["abc"], since=0.0)
    assert not logged_traces(tmp_path, "auth", ["abc"], since=time.time() + 60)
