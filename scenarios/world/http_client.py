"""Post JSON over kept-alive HTTP/1.1 connections: the little client the webhooks need.

One host, plain http, no redirects, no retries (the caller decides), at most `IDLE_CONNECTIONS_MAX` kept open.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httptools

IDLE_CONNECTIONS_MAX = 16
IDLE_S_MAX = 5.0


class PostFailedError(Exception):
    """No complete answer came: refused, reset, closed or too slow."""


class Poster:
    """Posts to any path of any http:// address; keeps idle connections of the last host."""

    def __init__(self) -> None:
        self._idle: deque[_Answering] = deque()
        self._host = ""

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float) -> int:
        """The status of the answer; its body is read and dropped. Raises PostFailedError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise PostFailedError(f"not an http address: {url}")
        lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
        lines.append(f"Content-Length: {len(body)}")
        lines.extend(f"{name}: {value}" for name, value in headers.items())
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connection(parts.hostname, parts.port or 80, host=parts.netloc)
                return await self._exchange(connection, head + body)
        except TimeoutError as error:
            raise PostFailedError("no answer in time") from error
        except OSError as error:
            raise PostFailedError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def _connection(self, hostname: str, port: int, *, host: str) -> "_Answering":
        if host != self._host:
            self.close()
            self._host = host
        loop = asyncio.get_running_loop()
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable(loop.time()):
                return connection
            connection.close()
        _, made = await loop.create_connection(_Answering, hostname, port)
        return made

    async def _exchange(self, connection: "_Answering", request: bytes) -> int:
        try:
            status = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.keep_alive and len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.close()
        return status


class _Answering(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.keep_alive = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._used_at = 0.0
        self._parser = httptools.HttpResponseParser(self)

    async def ask(self, request: bytes) -> int:
        if self._transport is None:
            raise ConnectionResetError("closed by the other side")
        loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._answer = loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None
            self._used_at = loop.time()

    def reusable(self, now: float) -> bool:
        return self._transport is not None and now - self._used_at < IDLE_S_MAX

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionResetError(f"not HTTP: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(exc or ConnectionResetError("closed before the answer"))

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        self.keep_alive = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
