"""What the logs of a fleet say went wrong: the few lines of many that a judge must look at.

Pure: which lines are worth keeping, and how a line of PostgreSQL's own log reads. Files are read elsewhere.
"""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec

FAILED_FROM = 500
KEPT_EVENTS = frozenset({"breaker_opened", "job_failed"})
KEPT_LEVELS = frozenset({"error", "critical"})
MESSAGE_LENGTH_MAX = 300

_POSTGRES = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[\d+\] (?P<database>[^/\s]*)/(?P<client>.*?) *"
    r"(?P<level>ERROR|FATAL|PANIC):  (?P<message>.*)"
)
JUDGE: Final = "judge"
"""The name under which the judge reads databases; the live watch lets go in the middle of a read."""
_SHUTDOWN = ("terminating connection due to administrator command", "the database system is")


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One kept line. `logger` names the library that wrote it, empty for the shop's own words.

    `published_at` is when the broker got the record that the line is about, epoch seconds; 0 when it is about none.
    """

    at: float
    level: str
    service: str
    instance: str
    event: str
    message: str = ""
    logger: str = ""
    status: int = 0
    method: str = ""
    path: str = ""
    target: str = ""
    job: str = ""
    failures: int = 0
    published_at: float = 0.0
    trace_id: str = ""


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Raw(msgspec.Struct):
    time: datetime
    level: str
    service: str
    instance: str
    event: str
    trace_id: str = ""
    logger: str | None = ""
    status: int | str | None = 0
    method: str | None = ""
    path: str | None = ""
    target: str | None = ""
    job: str | None = ""
    failures: int | str | None = 0
    published_at: float | None = 0.0
    error: _Error | str | int | list[str] | None = None


_decoder = msgspec.json.Decoder(_Raw)


def service_line(text: bytes, *, since: float) -> LogLine | None:
    """The line of a service's log when it is worth keeping and not older than `since` (epoch seconds).

    None for any other, and for what is no structured line: an interpreter's last words belong to who reads logs.
    """
    try:
        raw = _decoder.decode(text)
    except msgspec.MsgspecError:
        return None
    status = raw.status if isinstance(raw.status, int) else 0
    failed = raw.event == "request" and status >= FAILED_FROM
    if not (failed or raw.event in KEPT_EVENTS or raw.level in KEPT_LEVELS) or raw.time.timestamp() < since:
        return None
    return LogLine(
        at=raw.time.timestamp(),
        level=raw.level,
        service=raw.service,
        instance=raw.instance,
        event=raw.event,
        message=_said(raw.error),
        logger=raw.logger or "",
        status=status,
        method=raw.method or "",
        path=raw.path or "",
        target=raw.target or "",
        job=raw.job or "",
        failures=raw.failures if isinstance(raw.failures, int) else 0,
        published_at=raw.published_at or 0.0,
        trace_id=raw.trace_id,
    )


def postgres_line(text: str, *, since: float) -> LogLine | None:
    """An error in PostgreSQL's own log; being shut down or started is none, nor is what the judge's readers meet."""
    match = _POSTGRES.match(text)
    if match is None or match["client"] == JUDGE or match["message"].startswith(_SHUTDOWN):
        return None
    at = datetime.fromisoformat(match["time"]).replace(tzinfo=UTC).timestamp()
    if at < since:
        return None
    return LogLine(
        at=at,
        level="error",
        service=match["database"],
        instance="postgres",
        event="database_error",
        message=match["message"][:MESSAGE_LENGTH_MAX],
    )


def _said(error: object) -> str:
    if isinstance(error, _Error):
        return f"{error.type}: {error.message}"[:MESSAGE_LENGTH_MAX]
    return "" if error is None else str(error)[:MESSAGE_LENGTH_MAX]
