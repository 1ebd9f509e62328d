"""One JSON line per request in the house's log format, written in small batches: the door's busiest log.

Holds a line for FLUSH_AFTER_S at most; other logs of the gateway go the usual way.
"""

import asyncio
import sys
from datetime import UTC, datetime

import msgspec

from shared.redaction import redact_text
from svc.gateway.settings import Settings

FLUSH_AFTER_S = 0.05
LINES_MAX = 512


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is the instance that answered; the path carries no query, where secrets would be."""

    time: str
    level: str = "info"
    service: str
    instance: str
    event: str = "request"
    trace_id: str
    method: str
    path: str
    status: int
    ms: float
    target: str


class AccessLog:
    """Writes to stdout as it is at the moment of writing."""

    def __init__(self, settings: Settings) -> None:
        self._service = settings.service
        self._instance = settings.instance
        self._wanted = settings.log_level in ("debug", "info")
        self._lines: list[Line] = []
        self._encoder = msgspec.json.Encoder()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        self._flush()

    def write(self, *, trace_id: str, method: str, path: str, status: int, ms: float, target: str) -> None:
        """Note one answered request."""
        if not self._wanted:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)
        self._lines.append(
            Line(
                time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                service=self._service,
                instance=self._instance,
                trace_id=trace_id,
                method=method,
                path=redact_text(path),
                status=status,
                ms=ms,
                target=target,
            )
        )
        if len(self._lines) >= LINES_MAX:
            self._flush()

    def _flush(self) -> None:
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        sys.stdout.write(self._encoder.encode_lines(lines).decode())
        sys.stdout.flush()
