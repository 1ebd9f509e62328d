"""How late the event loop is: what a coroutine that wants to run has to wait because another one does not give way.

Measured as by others of its kind: sleep for a known time, and see how much later one wakes.
"""

import asyncio
import time
from typing import Final

from shared import metrics

EVERY_S: Final = 0.1


class LoopLag:
    """A background job of every service; each wake-up is one observation of `shopstream_event_loop_lag_seconds`."""

    name: Final = "loop_lag"

    async def run(self) -> None:
        """Observe until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(EVERY_S)
            metrics.observe_loop_lag(max(0.0, time.monotonic() - before - EVERY_S))
