"""One direction of one proxied connection: bytes come in, wait or suffer, and go out.

Without toxics a byte is written in the same callback that read it. With toxics chunks pass a bounded queue, each
with the time it is due, so that latency does not cost throughput.
"""

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from scenarios.world.faults.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)

QUEUED_BYTES_MAX = 262_144
STEP_S = 0.1
KILOBYTE = 1_000


class Ends(Protocol):
    """What a direction needs of its connection."""

    def write(self, stream: str, data: bytes) -> None: ...
    def write_eof(self, stream: str) -> None: ...
    def hold_reading(self, stream: str) -> None: ...
    def go_on_reading(self, stream: str) -> None: ...
    async def writable(self, stream: str) -> None: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...


class Direction:
    """The upstream (client → server) or downstream half of a connection."""

    def __init__(self, ends: Ends, stream: str, chance: random.Random) -> None:
        self._ends = ends
        self._stream = stream
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued_bytes = 0
        self._last_due = 0.0
        self._eof = False
        self._passed_bytes = 0
        self._dropped = False
        self._worker: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._take(())

    def feed(self, data: bytes) -> None:
        """Bytes from the source."""
        if self._silent:
            self._dropped = True
            return
        if not self._toxic and self._worker is None:
            self._ends.write(self._stream, data)
            return
        now = self._loop.time()
        self._last_due = max(now + self._delay_s(), self._last_due)
        self._queue.append((self._last_due, data))
        self._queued_bytes += len(data)
        if self._queued_bytes > QUEUED_BYTES_MAX:
            self._ends.hold_reading(self._stream)
        self._work()

    def feed_eof(self) -> None:
        """The source will send no more."""
        self._eof = True
        if self._silent:
            return
        if not self._toxic and self._worker is None:
            self._ends.write_eof(self._stream)
            return
        self._work()

    def change(self, toxics: Sequence[Toxic]) -> None:
        """Live under other toxics from now on."""
        was_silent = self._silent
        self._take(toxics)
        self._changed.set()
        if was_silent and not self._silent and self._dropped:
            # Bytes are missing in the middle of the stream; nobody must read on.
            self._ends.close()
        elif was_silent and not self._silent and self._eof:
            self.feed_eof()

    def stop(self) -> None:
        """Forget everything; the connection is gone."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._queue.clear()

    def _take(self, toxics: Sequence[Toxic]) -> None:
        self._toxic = bool(toxics)
        self._latencies = [it for it in toxics if isinstance(it, Latency)]
        self._bandwidths = [it for it in toxics if isinstance(it, Bandwidth)]
        self._slicers = [it for it in toxics if isinstance(it, Slicer)]
        self._limits = [it for it in toxics if isinstance(it, LimitData)]
        self._close_delay_s = sum(it.delay_ms for it in toxics if isinstance(it, SlowClose)) / 1_000
        timeouts = [it.after_ms for it in toxics if isinstance(it, Timeout)]
        resets = [it.after_ms for it in toxics if isinstance(it, ResetPeer)]
        self._silent = bool(timeouts or resets)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if resets:
            self._timer = self._loop.call_later(min(resets) / 1_000, self._ends.reset)
        elif any(timeouts):
            self._timer = self._loop.call_later(min(filter(None, timeouts)) / 1_000, self._ends.close)

    def _delay_s(self) -> float:
        return sum(
            max(0.0, it.latency_ms + it.jitter_ms * self._chance.uniform(-1, 1)) / 1_000 for it in self._latencies
        )

    def _work(self) -> None:
        if self._worker is None:
            self._worker = self._loop.create_task(self._pass_on())

    async def _pass_on(self) -> None:
        while self._queue:
            due, data = self._queue[0]
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            for piece in self._pieces(data):
                if not await self._send(piece):
                    return
            self._queue.popleft()
            self._queued_bytes -= len(data)
            if self._queued_bytes <= QUEUED_BYTES_MAX:
                self._ends.go_on_reading(self._stream)
        self._worker = None
        if self._eof:
            await asyncio.sleep(self._close_delay_s)
            self._ends.write_eof(self._stream)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut by the slicers, and so small that a bandwidth shows as a stream, not as bursts."""
        start = 0
        while start < len(data):
            size = len(data)
            for slicer in self._slicers:
                variation = self._chance.randint(-slicer.variation_bytes, slicer.variation_bytes)
                size = min(size, max(1, slicer.average_bytes + variation))
            for bandwidth in self._bandwidths:
                size = min(size, max(1, int(bandwidth.rate_kb_s * KILOBYTE * STEP_S)))
            yield data[start : start + size]
            start += size

    async def _send(self, piece: bytes) -> bool:
        """Write one piece under bandwidth and limit; False when the connection ended with it."""
        for bandwidth in self._bandwidths:
            await self._at_rate(len(piece), bandwidth)
        for limit in self._limits:
            left = max(0, limit.bytes_max - self._passed_bytes)
            if len(piece) >= left:
                self._ends.write(self._stream, piece[:left])
                self._ends.close()
                return False
        self._passed_bytes += len(piece)
        self._ends.write(self._stream, piece)
        for slicer in self._slicers:
            await asyncio.sleep(slicer.delay_us / 1_000_000)
        await self._ends.writable(self._stream)
        return True

    async def _at_rate(self, size: int, bandwidth: Bandwidth) -> None:
        """Sleep as long as `size` bytes take; a rate of 0 lets nothing through until it changes."""
        while bandwidth.rate_kb_s == 0 and bandwidth in self._bandwidths:
            self._changed.clear()
            await self._changed.wait()
        if bandwidth.rate_kb_s:
            await asyncio.sleep(size / (bandwidth.rate_kb_s * KILOBYTE))
