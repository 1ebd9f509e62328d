"""One proxied TCP connection: two sockets and the two directions between them."""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Sequence
from typing import cast

from scenarios.world.faults.direction import Direction
from scenarios.world.faults.toxics import Toxic

CONNECT_S_MAX = 10.0
UPSTREAM = "upstream"
DOWNSTREAM = "downstream"
_LINGER_RESET = struct.pack("ii", 1, 0)


class Side(asyncio.Protocol):
    """One socket: the client's or the server's; its bytes go into `out`."""

    def __init__(self, connection: "ProxiedConnection", stream: str) -> None:
        self.connection = connection
        self.stream = stream
        self.transport: asyncio.Transport | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connection.side_made(self)

    def data_received(self, data: bytes) -> None:
        self.connection.received(self.stream, data)

    def eof_received(self) -> bool:
        self.connection.ended(self.stream)
        return True

    def pause_writing(self) -> None:
        self.writable.clear()
        self.connection.writing_paused(self)

    def resume_writing(self) -> None:
        self.writable.set()
        self.connection.writing_resumed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.writable.set()
        self.connection.side_lost(self, exc)


class ProxiedConnection:
    """A client, the server it wants, and what happens between them."""

    def __init__(
        self,
        upstream: tuple[str, int],
        *,
        number: int,
        toxics: Callable[["ProxiedConnection", str], Sequence[Toxic]],
        gone: Callable[["ProxiedConnection"], None],
    ) -> None:
        self.number = number
        self.client = Side(self, UPSTREAM)
        self.server = Side(self, DOWNSTREAM)
        chance = random.Random(number)
        self.directions = {stream: Direction(self, stream, chance) for stream in (UPSTREAM, DOWNSTREAM)}
        self._address = upstream
        self._toxics = toxics
        self._gone = gone
        self._eofs: set[str] = set()
        self._connected = False
        self._early: list[bytes] = []
        self._early_eof = False
        self._connecting: asyncio.Task[None] | None = None

    def side_made(self, side: Side) -> None:
        """The client is there: go for the server. The server is there: let everything flow."""
        if side is self.client:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        elif self.client.transport is None:
            self.abort()
        else:
            self._open()

    def received(self, stream: str, data: bytes) -> None:
        """Bytes from one end; what the client says before the server is there is kept for it."""
        if self._connected:
            self.directions[stream].feed(data)
            return
        # Not in connection_made: uvloop begins to read only after it.
        self._early.append(data)
        self.hold_reading(stream)

    def ended(self, stream: str) -> None:
        """One end will say no more."""
        if self._connected:
            self.directions[stream].feed_eof()
        else:
            self._early_eof = True

    def side_lost(self, side: Side, exc: Exception | None) -> None:
        """One end is gone: a reset travels on as a reset, anything else as a close."""
        other = self.server if side is self.client else self.client
        if other.transport is not None:
            if isinstance(exc, ConnectionResetError):
                self.reset()
            else:
                other.transport.close()
            return
        if self._connecting is not None:
            self._connecting.cancel()
        for direction in self.directions.values():
            direction.stop()
        self._gone(self)

    def retake_toxics(self) -> None:
        """The proxy's toxics changed."""
        for stream, direction in self.directions.items():
            direction.change(self._toxics(self, stream))

    def write(self, stream: str, data: bytes) -> None:
        """Bytes for the far end of a stream; dropped when that end is gone."""
        transport = self._far(stream).transport
        if transport is not None and not transport.is_closing():
            transport.write(data)

    def write_eof(self, stream: str) -> None:
        """Half-close the far end; when both halves are closed the connection ends."""
        self._eofs.add(stream)
        transport = self._far(stream).transport
        if transport is None or transport.is_closing():
            return
        if len(self._eofs) == len(self.directions):
            self.close()
        elif transport.can_write_eof():
            transport.write_eof()

    def hold_reading(self, stream: str) -> None:
        """Take no more bytes for a stream."""
        transport = self._near(stream).transport
        if transport is not None and not transport.is_closing() and transport.is_reading():
            transport.pause_reading()

    def go_on_reading(self, stream: str) -> None:
        """Take bytes for a stream again."""
        transport = self._near(stream).transport
        if transport is None or transport.is_closing() or transport.is_reading():
            return
        if self._connected:
            transport.resume_reading()

    async def writable(self, stream: str) -> None:
        """Wait until the far end has room."""
        await self._far(stream).writable.wait()

    def writing_paused(self, side: Side) -> None:
        """A full end stops the reading of the other one."""
        self.hold_reading(UPSTREAM if side is self.server else DOWNSTREAM)

    def writing_resumed(self, side: Side) -> None:
        """An end with room lets the other one be read."""
        self.go_on_reading(UPSTREAM if side is self.server else DOWNSTREAM)

    def close(self) -> None:
        """End both sockets after what was already written."""
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.close()

    def abort(self) -> None:
        """End both sockets now."""
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.abort()

    def reset(self) -> None:
        """End both sockets with RST."""
        for side in (self.client, self.server):
            if side.transport is not None:
                raw = cast("socket.socket", side.transport.get_extra_info("socket"))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                side.transport.abort()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await loop.create_connection(lambda: self.server, *self._address)
        except (OSError, TimeoutError):
            self.abort()

    def _open(self) -> None:
        self._connected = True
        self.retake_toxics()
        for data in self._early:
            self.directions[UPSTREAM].feed(data)
        self._early.clear()
        if self._early_eof:
            self.directions[UPSTREAM].feed_eof()
        self.go_on_reading(UPSTREAM)

    def _near(self, stream: str) -> Side:
        return self.client if stream == UPSTREAM else self.server

    def _far(self, stream: str) -> Side:
        return self.server if stream == UPSTREAM else self.client
