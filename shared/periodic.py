"""What every instance of a service does again and again in its own process: sweep, prune, project, feed a queue.

What it finds to do lies in tables and is claimed there, so that any number of instances may run the same work and a
killed one loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import WorldError

BACK_OFF_S_MAX = 5.0

log = structlog.get_logger(__name__)


class Periodic:
    """Runs `work` every `every_s` seconds, at once again while it reports that it found something, and when woken.

    `work` returns how many pieces it did. A failure is logged and retried with back-off; it never ends the job.
    """

    def __init__(self, name: str, every_s: float, work: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self.every_s = every_s
        self._work = work
        self._wake = asyncio.Event()
        self.failures_in_row = 0
        self.done = 0

    def wake(self) -> None:
        """Run soon instead of at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            if await self._once() > 0:
                continue
            await self._pause()

    async def _once(self) -> int:
        try:
            done = await self._work()
        except WorldError as error:
            self.failures_in_row += 1
            log.warning("job_failed", job=self.name, failures=self.failures_in_row, error=repr(error))
            return 0
        except Exception:
            self.failures_in_row += 1
            log.exception("job_failed", job=self.name, failures=self.failures_in_row)
            return 0
        self.failures_in_row = 0
        self.done += done
        return done

    async def _pause(self) -> None:
        delay = self.every_s
        if self.failures_in_row:
            delay = min(BACK_OFF_S_MAX, max(self.every_s, 0.1 * 2**self.failures_in_row))
            await asyncio.sleep(delay)
            return
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return
