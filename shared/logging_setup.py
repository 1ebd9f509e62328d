"""Logs as JSON lines on stdout: time, level, service, instance, event, trace_id and what the caller adds.

structlog and the standard library's loggers (uvicorn, alembic, aiokafka) go through the same redaction.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TextIO, cast

import msgspec
import structlog
from opentelemetry.context import Context

from shared import tracing
from shared.redaction import redact, redact_text
from shared.settings import ServiceSettings

if TYPE_CHECKING:
    from shared.otlp import LogExport

EVENT_LENGTH_MAX = 2_000
STACK_FRAMES_MAX = 20

Level = Literal["debug", "info", "warning", "error"]

# chatty libraries: their information is our debug
_QUIET_LOGGERS = ("aiokafka", "aiohttp.access", "uvicorn.access", "elastic_transport", "asyncio", "alembic")
_encoder = msgspec.json.Encoder(enc_hook=str)


class Chain:
    """What every line goes through, whoever wrote it: its own members, redaction, the collector, JSON."""

    def __init__(self, service: str, instance: str) -> None:
        self._service = service
        self._instance = instance
        self.export: LogExport | None = None

    def line(self, level: str, event: str, fields: Mapping[str, object], context: Context | None = None) -> bytes:
        """One redacted line without its end, of the trace that runs in `context` (default: here and now).

        Fields never override the line's own members.
        """
        safe = cast("dict[str, object]", redact(fields)) if fields else {}
        line = {
            **safe,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "service": self._service,
            "instance": self._instance,
            "event": redact_text(event[:EVENT_LENGTH_MAX]),
            "trace_id": tracing.current_trace_id(context),
        }
        if self.export is not None:
            self.export.send(line, context)
        return _encoder.encode(line)

    def render(self, _logger: object, method: str, event: MutableMapping[str, object]) -> str:
        """The last processor of structlog's chain."""
        level = "error" if method == "exception" else method
        if error := event.pop("exc_info", None):
            failure = error if isinstance(error, BaseException) else sys.exc_info()[1]
            if failure is not None:
                event["error"] = describe_error(failure)
        return self.line(level, str(event.pop("event", "")), event).decode()


_chain = Chain("unconfigured", "unconfigured")


def chain() -> Chain:
    """The process's own; for writers of many lines at once."""
    return _chain


def setup(settings: ServiceSettings) -> None:
    """Route all logs of a service process to its stdout."""
    configure(settings.service, settings.instance, level=settings.log_level)


def configure(service: str, instance: str, *, level: Level = "info", stream: TextIO | None = None) -> None:
    """Route structlog and the standard loggers to JSON lines on the stream (default: stdout as it is now)."""
    global _chain  # noqa: PLW0603 - one chain per process, as there is one stdout
    _chain = Chain(service, instance)
    number = getattr(logging, level.upper())
    output = stream if stream is not None else sys.stdout
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _chain.render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=_chain.render, foreign_pre_chain=[structlog.stdlib.add_logger_name, _with_its_error]
        )
    )
    root = logging.getLogger()
    for known in list(root.handlers):
        if isinstance(known.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(known)
    root.addHandler(handler)
    root.setLevel(number)
    for name in ("uvicorn", "uvicorn.error", "alembic", "aiokafka", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)


def _with_its_error(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The error that a standard logger was given."""
    record: logging.LogRecord = event["_record"]
    if record.exc_info and record.exc_info[1] is not None:
        event["exc_info"] = record.exc_info[1]
    return event


def describe_error(error: BaseException) -> dict[str, object]:
    """Return an exception as {type, message, stack}: the innermost frames, without locals or source lines."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_planted(frame.filename)]
    described: dict[str, object] = {
        "type": type(error).__qualname__,
        "message": _message(error)[:EVENT_LENGTH_MAX],
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-STACK_FRAMES_MAX:]],
    }
    if error.__cause__ is not None:
        described["cause"] = f"{type(error.__cause__).__qualname__}: {_message(error.__cause__)}"[:EVENT_LENGTH_MAX]
    return described


def _is_planted(filename: str) -> bool:
    """A log tells what happened, not which defect was planted."""
    return "/defects/" in filename or filename.endswith("/fault_overlay.py")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - a library's own __str__ may fail; the log line must not
        return f"it cannot be shown: {failure!r}"
