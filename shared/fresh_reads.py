"""Reads that are shared and never stale: who asks while a read is under way shares the next one, never that one.

A cache bounds how old an answer is; this bounds how many reads a crowd makes. At most one read per key is under way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


class FreshReads(Generic[T]):
    """`load` gives the truth about a key; what it raises everybody who shares the read gets."""

    def __init__(self, load: Callable[[str], Awaitable[T]]) -> None:
        self._load = load
        self._running: dict[str, asyncio.Task[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str) -> T:
        """The value of a read that begins after this call. Bound `load` in time; nobody's deadline cuts it short."""
        read = self._next.get(key)
        if read is None:
            # an empty context: the deadline of one of those who share the read is not that of the others
            read = asyncio.create_task(self._read(key, self._running.get(key)), context=Context())
            self._next[key] = read
        return await asyncio.shield(read)

    async def _read(self, key: str, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        read = self._running[key] = self._next.pop(key)
        try:
            return await self._load(key)
        finally:
            if self._running.get(key) is read:
                del self._running[key]
