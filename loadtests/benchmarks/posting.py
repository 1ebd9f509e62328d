"""POSTs over raw keep-alive connections, one per waiting client, each with a body of its own.

Costs little beside what it measures; speaks just enough HTTP/1.1 for answers that carry a Content-Length.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

from loadtests.benchmarks.wire_load import read_answer

RETRY_S = 0.05


class Poster:
    """Hands one of its connections to each caller of `post` and takes it back."""

    def __init__(self, url: str, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = (parts.hostname, parts.port)
        named = {"Host": parts.netloc, "Content-Type": "application/json", **headers}
        self._head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()

    @contextlib.asynccontextmanager
    async def opened(self, connections: int, *, limit_s: float) -> AsyncGenerator[None]:
        """Connections to a server that may still be starting; raises OSError when it is not there in time."""
        gives_up = time.monotonic() + limit_s
        opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        try:
            while len(opened) < connections:
                try:
                    opened.append(await asyncio.open_connection(*self._address))
                except OSError:
                    if time.monotonic() > gives_up:
                        raise
                    await asyncio.sleep(RETRY_S)
            for one in opened:
                self._free.put_nowait(one)
            yield
        finally:
            for _, writer in opened:
                writer.close()

    async def post(self, body: bytes) -> None:
        """Send and wait for 201. Raises RuntimeError for any other status."""
        reader, writer = await self._free.get()
        writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = await read_answer(reader)
        if status != 201:
            raise RuntimeError(f"answered {status}")
        self._free.put_nowait((reader, writer))
