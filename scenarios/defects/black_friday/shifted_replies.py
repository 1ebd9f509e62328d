"""Planted: a connection to Redis that stays in use after somebody left without hearing the reply."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.cache import Cache
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="shifted-replies",
    title="After a cancelled command every reader gets the reply to the one before",
    parts=("catalog.cache",),
    root_cause="A command that is given up leaves its reply on the connection; the next command takes it for its own.",
    caught_by=("INV-22",),
    exposed_by="Readers who give up: impatient callers, a slow moment, a time-out.",
    symptoms="One product's page shows another; nothing fails, and it does not end until the process is restarted.",
    fix="A connection whose command did not end is closed, never given to the next.",
    origin="OpenAI, 20 March 2023: redis-py's cancelled commands showed users each other's chats.",
)

PATIENCE_S: Final = 0.02

T = TypeVar("T")


def twin(healthy: Any, settings: ServiceSettings) -> Any:
    """A cache that reads through one connection of its own."""
    cache: type[Cache] = healthy

    class Shifted(cache):
        """Sends, and takes for its own whatever reply comes next."""

        line: "_Line | None" = None

        async def get_or_load(
            self,
            key: str,
            load: Callable[[], Awaitable[T]],
            *,
            value_type: type[T],
            ttl_s: float,
            stale_s: float = 0.0,
        ) -> T:
            raw = await self._reply(self._name(key))
            try:
                entry = self._entry_decoder.decode(raw)
                if time.time() < entry.fresh_until:
                    return self._decode(entry.payload, value_type)
            except msgspec.MsgspecError:
                pass  # nothing, or something else than a page: as if it were not kept
            return await super().get_or_load(key, load, value_type=value_type, ttl_s=ttl_s, stale_s=stale_s)

        async def _reply(self, name: str) -> bytes:
            if self.line is None:
                self.line = _Line(settings.redis_url)
            return await self.line.get(name)

    return Shifted


class _Line:
    """One connection, one command at a time, no memory of who has left."""

    def __init__(self, url: str) -> None:
        host, _, port = url.partition("//")[2].partition("/")[0].rpartition(":")
        self._address = host.rpartition("@")[2], int(port)
        self._turn = asyncio.Lock()
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, name: str) -> bytes:
        """The next reply, or nothing for who is impatient."""
        async with self._turn:
            if self._ends is None:
                self._ends = await asyncio.open_connection(*self._address)
            reader, writer = self._ends
            writer.write(f"*2\r\n$3\r\nGET\r\n${len(name)}\r\n{name}\r\n".encode())
            try:
                async with asyncio.timeout(PATIENCE_S):
                    head = await reader.readuntil(b"\r\n")
            except TimeoutError:
                return b""
            length = int(head[1:])
            return b"" if length < 0 else (await reader.readexactly(length + 2))[:-2]


TWINS: Twins = {"catalog.cache": twin}
