"""Reads the logs of a running fleet for a judge: what was written since a moment and tells of a failure."""

from collections.abc import Collection
from pathlib import Path

from scenarios.evidence.logs import LogLine, postgres_line, service_line

POSTGRES_LOG = "postgres.log"


def read_logs(directory: Path, *, since: float) -> tuple[list[LogLine], int]:
    """The lines worth keeping, in order of time, and how many lines there were to choose from.

    `since` is epoch seconds. A file that ends within a line is read up to there.
    """
    kept: list[LogLine] = []
    read = 0
    for path in sorted(directory.glob("*-[0-9]*.log")):
        with path.open("rb") as lines:
            for line in lines:
                read += 1
                if (found := service_line(line, since=since)) is not None:
                    kept.append(found)
    postgres = directory / POSTGRES_LOG
    if postgres.exists():
        with postgres.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                read += 1
                if (found := postgres_line(line, since=since)) is not None:
                    kept.append(found)
    return sorted(kept, key=lambda line: line.at), read


def logged_traces(directory: Path, service: str, trace_ids: Collection[str], *, since: float) -> bool:
    """Whether an instance of the service wrote a line about a request of one of these traces, since then."""
    wanted = [trace_id.encode() for trace_id in trace_ids]
    return any(
        _tells_of_request(log, trace_id)
        for log in (
            path.read_bytes() for path in directory.glob(f"{service}-[0-9]*.log") if path.stat().st_mtime >= since
        )
        for trace_id in wanted
    )


def _tells_of_request(log: bytes, trace_id: bytes) -> bool:
    """Whether the last line that names the trace, or one before it, is about a request; no line is taken apart."""
    at = len(log)
    while (at := log.rfind(trace_id, 0, at)) >= 0:
        begin, end = log.rfind(b"\n", 0, at) + 1, log.find(b"\n", at)
        if b'"request"' in log[begin : end if end >= 0 else len(log)]:
            return True
    return False


def is_written(directory: Path, text: str) -> bool:
    """Whether any process wrote this text, wherever in its log."""
    wanted = text.encode()
    return any(wanted in path.read_bytes() for path in directory.glob("*.log"))
