import io
import json
import logging

import pytest
import structlog

from shared import logging_setup, tracing


@pytest.fixture
def lines():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    logging_setup.configure("orders", "orders-2", level="info", stream=stream)

    def read() -> list[dict]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    logging.captureWarnings(capture=False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()


def test_a_line_says_when_where_what_and_in_which_trace(lines):
    with tracing.span("a"):
        trace_id = tracing.current_trace_id()
        structlog.get_logger().info("order_placed", order="o1", total=12)
    (line,) = lines()
    assert line["time"].endswith("Z")
    expected = {
        "level": "info", "service": "orders", "instance": "orders-2", "event": "order_placed",
        "trace_id": trace_id, "order": "o1", "total": 12,
    }  # fmt: skip
    assert {name: line[name] for name in expected} == expected


def test_fields_never_override_the_lines_own_members(lines):
    structlog.get_logger().info("real", service="evil", trace_id="evil", time="evil")
    (line,) = lines()
    assert (line["event"], line["service"], line["trace_id"]) == ("real", "orders", "")


def test_lower_levels_are_silent(lines):
    structlog.get_logger().debug("chatter")
    logging.getLogger("x").debug("chatter")
    logging.getLogger("uvicorn.access").info("GET / 200")
    assert lines() == []


def test_the_standard_librarys_loggers_write_the_same_lines(lines):
    logging.getLogger("uvicorn.error").warning("stopping %s", "now")
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == ("stopping now", "warning", "uvicorn.error")


def test_secrets_are_redacted_in_fields_events_and_errors(lines):
    log = structlog.get_logger()
    log.info("login password=hunter2", token="hunter2", nested={"card": "4111 1111 1111 1111"})
    try:
        int("postgresql://u:hunter2@db")
    except ValueError:
        log.exception("failed")
    logging.getLogger("x").error("Authorization: Bearer hunter2hunter2")
    assert len(lines()) == 3
    assert "hunter2" not in json.dumps(lines())
    assert "4111" not in json.dumps(lines())


def test_errors_are_described_with_class_message_and_frames(lines):
    def breaks() -> None:
        raise KeyError("sku")

    try:
        breaks()
    except KeyError as error:
        structlog.get_logger().error("failed", exc_info=error)
        logging.getLogger("x").exception("failed too")
    for line in lines():
        assert line["level"] == "error"
        assert line["error"]["type"] == "KeyError"
        assert line["error"]["stack"][-1].endswith(" breaks")


def test_the_frames_of_a_planted_defect_are_not_told(lines, tmp_path):
    source = "def twin():\n    raise KeyError('sku')\n"
    planted: dict = {}
    exec(compile(source, "/x/scenarios/defects/flash_sale/read_then_write.py", "exec"), planted)  # noqa: S102
    try:
        planted["twin"]()
    except KeyError as error:
        structlog.get_logger().error("failed", exc_info=error)
    assert "read_then_write" not in json.dumps(lines())
    assert lines()[0]["error"]["stack"]


def test_a_line_break_cannot_forge_a_second_line(lines):
    structlog.get_logger().info('x\n{"event": "forged"}', field="a\nb")
    assert len(lines()) == 1


def test_what_json_cannot_say_is_written_as_text(lines):
    structlog.get_logger().info("odd", value=object, inside=[{1, 2}], number=float("nan"))
    assert len(lines()) == 1


def test_an_error_that_cannot_be_shown_is_told_with_its_cause(lines):
    class Mute(Exception):  # noqa: N818 - the library it stands for names its errors its own way
        def __str__(self) -> str:
            return " ".join([None])  # type: ignore[list-item]

    error = Mute()
    error.__cause__ = KeyError("sku")
    structlog.get_logger().error("failed", exc_info=error)
    (line,) = lines()
    assert line["error"]["type"].endswith("Mute")
    assert line["error"]["cause"] == "KeyError: 'sku'"
