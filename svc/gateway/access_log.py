"""One line per request through the process's log chain, written in small batches: the door's busiest log.

Holds a line for FLUSH_AFTER_S at most; other logs of the gateway go the usual way.
"""

import asyncio
import sys

from opentelemetry.context import Context

from shared import logging_setup, tracing
from svc.gateway.settings import Settings

FLUSH_AFTER_S = 0.05
LINES_MAX = 512


class AccessLog:
    """Writes to stdout as it is at the moment of writing."""

    def __init__(self, settings: Settings) -> None:
        self._wanted = settings.log_level in ("debug", "info")
        self._requests: list[tuple[dict[str, object], Context]] = []

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        self._flush()

    def write(self, *, method: str, path: str, status: int, ms: float, target: str) -> None:
        """Note one answered request of the running trace.

        `target` is the instance that answered; the path carries no query, where secrets would be.
        """
        if not self._wanted:
            return
        if not self._requests:
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)
        fields: dict[str, object] = {"method": method, "path": path, "status": status, "ms": ms, "target": target}
        self._requests.append((fields, tracing.current_context()))
        if len(self._requests) >= LINES_MAX:
            self._flush()

    def _flush(self) -> None:
        requests, self._requests = self._requests, []
        chain = logging_setup.chain()
        lines = [chain.line("info", "request", fields, context) for fields, context in requests]
        sys.stdout.write("".join(line.decode() + "\n" for line in lines))
        sys.stdout.flush()
