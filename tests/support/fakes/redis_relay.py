"""A TCP relay before an engine, which a test can cut or stall, so that one client loses it and nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class RedisRelay:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._parts = parts
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.refused = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            self.refused += 1
            writer.close()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, upstream_writer}
        await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer, gate=self._flowing))

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        self._cut = True
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def stall(self) -> None:
        """Let commands through and hold their answers back."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def mend(self) -> None:
        self._cut = False


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, gate: asyncio.Event | None = None
) -> None:
    try:
        while data := await reader.read(65_536):
            if gate is not None:
                await gate.wait()
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def redis_relay(url: str) -> AsyncIterator[RedisRelay]:
    relay = RedisRelay(url)
    server = await asyncio.start_server(relay._serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user, at, _ = relay._parts.netloc.rpartition("@")
    relay.url = relay._parts._replace(netloc=f"{user}{at}127.0.0.1:{port}").geturl()
    try:
        yield relay
    finally:
        relay.cut()
        server.close()
