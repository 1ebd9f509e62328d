import json

from compose.supervisor.runners import failing_checks, last_words
from compose.supervisor.status import lag_and_breakers

BODY = json.dumps(
    {
        "status": "not_ready",
        "checks": {
            "kafka": {"ok": True, "detail": "lag 12"},
            "projection": {"ok": True, "detail": "behind, lag 3"},
            "breakers": {"ok": True, "detail": "psp open"},
            "database": {"ok": False, "detail": "no answer within 1 s"},
        },
    }
).encode()


def test_lag_and_breakers_are_read_from_the_checks():
    assert lag_and_breakers(BODY) == {"lag": 15, "breakers": "psp open"}


def test_a_service_that_tells_nothing_has_no_lag():
    assert lag_and_breakers(b'{"status": "ready"}') == {"lag": None, "breakers": None}
    assert lag_and_breakers(b"<html>") == {"lag": None, "breakers": None}


def test_failing_checks_are_named_with_their_detail():
    assert failing_checks(BODY) == "database: no answer within 1 s"
    assert failing_checks(b"not json") == ""


def test_the_last_error_of_a_log_is_what_an_operator_wants_to_know():
    failed = '{"level":"error","event":"startup_failed","error":{"message":"address in use"}}'
    log = failed + '\n{"level":"info","event":"bye"}\n'
    assert last_words(log) == "startup_failed address in use"
    assert last_words('{"level":"info","event":"hello"}\nTraceback\nValueError: no\n') == "ValueError: no"
    assert last_words("") == "nothing in its log"
