"""How late the event loop is: what a coroutine that wants to run has to wait because another one does not give way.

Measured as by others of its kind: sleep for a known time, and see how much later one wakes. What of it is
the loop's own doing is counted apart: Linux tells how long the thread waited for a core meanwhile.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from shared import metrics

EVERY_S: Final = 0.1
BLOCKED_S: Final = 0.05
"""Held up by itself for longer than this, the loop was blocked."""
SCHEDSTAT: Final = Path("/proc/self/schedstat")
"""Nanoseconds on a core, and waiting for one; absent on other systems, where all lag is the loop's own."""


class LoopLag:
    """A background job of every service; each wake-up is one observation of `shopstream_event_loop_lag_seconds`.

    `looks` counts them, `blocked` those that came late by the loop's own doing.
    """

    name: Final = "loop_lag"

    def __init__(self) -> None:
        self.looks = 0
        self.blocked = 0

    async def run(self) -> None:
        """Observe until cancelled."""
        source = os.open(SCHEDSTAT, os.O_RDONLY) if SCHEDSTAT.exists() else None
        try:
            while True:
                before, waited = time.monotonic(), _waited_s(source)
                await asyncio.sleep(EVERY_S)
                lag_s = max(0.0, time.monotonic() - before - EVERY_S)
                metrics.observe_loop_lag(lag_s)
                self.looks += 1
                self.blocked += lag_s - (_waited_s(source) - waited) > BLOCKED_S
        finally:
            if source is not None:
                os.close(source)


def _waited_s(source: int | None) -> float:
    """Seconds for which this thread was ready and had no core, since it began."""
    return 0.0 if source is None else int(os.pread(source, 64, 0).split()[1]) / 1e9
