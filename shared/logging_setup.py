"""Logs as JSON lines on stdout: time, level, service, instance, event, trace_id and what the caller adds.

structlog and the standard library's loggers (uvicorn, alembic, aiokafka) go through the same redaction.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec
import structlog

from shared import tracing
from shared.redaction import redact, redact_text
from shared.settings import ServiceSettings

EVENT_LENGTH_MAX = 2_000
STACK_FRAMES_MAX = 20

Level = Literal["debug", "info", "warning", "error"]

# chatty libraries: their information is our debug
_QUIET_LOGGERS = ("aiokafka", "aiohttp.access", "uvicorn.access", "elastic_transport", "asyncio", "alembic")
_encoder = msgspec.json.Encoder(enc_hook=str)


class JsonLines:
    """Renders one event to one line; shared by structlog and the standard library's handler."""

    def __init__(self, service: str, instance: str, stream: TextIO) -> None:
        self._service = service
        self._instance = instance
        self._stream = stream

    def write(self, level: str, event: str, fields: MutableMapping[str, Any]) -> None:
        """Write one redacted line. Fields never override the line's own members."""
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "service": self._service,
            "instance": self._instance,
            "event": redact_text(event[:EVENT_LENGTH_MAX]),
            "trace_id": tracing.current_trace_id(),
        }
        if fields:
            safe = redact(fields)
            assert isinstance(safe, dict)
            line = {**safe, **line}
        text = _encoder.encode(line).decode()
        self._stream.write(text + "\n")
        self._stream.flush()


class _StandardHandler(logging.Handler):
    def __init__(self, lines: JsonLines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields: dict[str, Any] = {"logger": record.name}
            if record.exc_info and record.exc_info[1] is not None:
                fields["error"] = describe_error(record.exc_info[1])
            self._lines.write(record.levelname.lower(), record.getMessage(), fields)
        except Exception:  # noqa: BLE001 - logging reports its own failure the standard way
            self.handleError(record)


def setup(settings: ServiceSettings) -> None:
    """Route all logs of a service process to its stdout."""
    configure(settings.service, settings.instance, level=settings.log_level)


def configure(service: str, instance: str, *, level: Level = "info", stream: TextIO | None = None) -> None:
    """Route structlog and the standard loggers to JSON lines on the stream (default: stdout as it is now)."""
    lines = JsonLines(service, instance, stream if stream is not None else sys.stdout)
    number = getattr(logging, level.upper())

    def render(_: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        name = "error" if method == "exception" else method
        error = event.pop("exc_info", None)
        if error:
            failure = error if isinstance(error, BaseException) else sys.exc_info()[1]
            if failure is not None:
                event["error"] = describe_error(failure)
        lines.write(name, str(event.pop("event", "")), event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _StandardHandler):
            root.removeHandler(handler)
    root.addHandler(_StandardHandler(lines))
    root.setLevel(number)
    for name in ("uvicorn", "uvicorn.error", "alembic", "aiokafka", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)


def describe_error(error: BaseException) -> dict[str, object]:
    """Return an exception as {type, message, stack}: the innermost frames, without locals or source lines."""
    frames = traceback.extract_tb(error.__traceback__)[-STACK_FRAMES_MAX:]
    described: dict[str, object] = {
        "type": type(error).__qualname__,
        "message": _message(error)[:EVENT_LENGTH_MAX],
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if error.__cause__ is not None:
        described["cause"] = f"{type(error.__cause__).__qualname__}: {_message(error.__cause__)}"[:EVENT_LENGTH_MAX]
    return described


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - a library's own __str__ may fail; the log line must not
        return f"it cannot be shown: {failure!r}"
