"""Calls to the outside beside each other: a bounded number of lanes, each working off one claimed piece.

Claims no more than there are free lanes, so that a lease never waits in a queue. A lane that fails leaves its piece to
the lease.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from shared.cancellation import cancel_all

T = TypeVar("T")

STOP_GRACE_S = 2.0

log = structlog.get_logger(__name__)


class Lanes(Generic[T]):
    """`claim(n)` takes at most n due pieces in a transaction of its own; `serve` works one off."""

    def __init__(
        self,
        name: str,
        *,
        claim: Callable[[int], Awaitable[Sequence[T]]],
        serve: Callable[[T], Awaitable[None]],
        lanes_max: int,
    ) -> None:
        self._name = name
        self._claim = claim
        self._serve = serve
        self._lanes_max = lanes_max
        self._running: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Nothing to open; lanes come with the work."""

    async def close(self) -> None:
        """Let the calls under way end for a moment; what is cut off is taken up after its lease."""
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_GRACE_S)
        await cancel_all(self._running)

    async def work(self) -> int:
        """Fill the free lanes with due pieces; gives how many were taken."""
        if len(self._running) >= self._lanes_max:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        pieces = await self._claim(self._lanes_max - len(self._running))
        for piece in pieces:
            task = asyncio.create_task(self._run(piece), name=self._name)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(pieces)

    async def _run(self, piece: T) -> None:
        try:
            await self._serve(piece)
        except Exception:
            log.exception("lane_failed", lane=self._name)
