"""A small HTTP/1.1 server on httptools: routes, JSON in and out, keep-alive, bounded bodies.

It exists because a web framework would cost this process a third of its memory. It serves loopback only and has
no TLS, no chunked answers and no middleware.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

from scenarios.world.http_messages import ApiError, Request, Response

BODY_BYTES_MAX = 1_048_576
HEADER_BYTES_MAX = 65_536
IDLE_S_MAX = 75.0
SWEEP_EVERY_S = 15.0
BACKLOG = 2_048
HEALTH_PATHS = ("/healthz", "/health/live", "/health/ready")

_log = logging.getLogger(__name__)


Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """Method + path template → handler; `{name}` matches one segment."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Handler]] = {}
        self._templates: list[tuple[list[str], dict[str, Handler]]] = []

    def add(self, method: str, template: str, handler: Handler) -> None:
        """Register a handler; several methods may share a template."""
        if "{" not in template:
            self._exact.setdefault(template, {})[method] = handler
            return
        segments = template.split("/")
        for known, handlers in self._templates:
            if known == segments:
                handlers[method] = handler
                return
        self._templates.append((segments, {method: handler}))

    def find(self, request: Request) -> Handler:
        """The handler of a request, its path parameters filled in. Raises ApiError 404 or 405."""
        handlers = self._exact.get(request.path) or self._match(request)
        if handlers is None:
            raise ApiError(404, "not_found", f"nothing at {request.path}")
        handler = handlers.get(request.method)
        if handler is None:
            raise ApiError(405, "method_not_allowed", f"{request.method} is not possible here")
        return handler

    def _match(self, request: Request) -> dict[str, Handler] | None:
        segments = request.path.split("/")
        for template, handlers in self._templates:
            if len(template) != len(segments):
                continue
            found: dict[str, str] = {}
            for wanted, given in zip(template, segments, strict=True):
                if wanted.startswith("{"):
                    found[wanted[1:-1]] = unquote(given)
                elif wanted != given:
                    break
            else:
                request.parameters = found
                return handlers
        return None


class HttpServer:
    """Serves one table of routes on one port; adds the health paths."""

    def __init__(self, name: str, routes: Routes) -> None:
        self.name = name
        self.routes = routes
        self.port = 0
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        for path in HEALTH_PATHS:
            routes.add("GET", path, self._health)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=BACKLOG)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._sweep(loop)

    async def stop(self) -> None:
        """Stop listening and drop every connection; safe to repeat."""
        if self._server is None:
            return
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._server.close()
        for connection in tuple(self.connections):
            connection.drop()
        await self._server.wait_closed()
        self._server = None

    async def answer(self, request: Request) -> Response:
        """Run the handler; refusals become JSON, anything unforeseen a logged 500."""
        try:
            return await self.routes.find(request)(request)
        except ApiError as refusal:
            error = {"code": refusal.code, "detail": refusal.detail}
            return Response.json({"error": error}, status=refusal.status)
        except Exception:  # noqa: BLE001 - the edge: a client gets an answer, the log gets the traceback
            _log.exception("%s: %s %s failed", self.name, request.method, request.path)
            error = {"code": "internal_error", "detail": "see the log of the world"}
            return Response.json({"error": error}, status=500)

    async def _health(self, _: Request) -> Response:
        return Response.json({"status": "ok", "part": self.name})

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in tuple(self.connections):
            if connection.idle_since is not None and now - connection.idle_since > IDLE_S_MAX:
                connection.drop()
        self._sweeper = loop.call_later(SWEEP_EVERY_S, self._sweep, loop)


class Connection(asyncio.Protocol):
    """One client connection: requests are answered one after another, in order."""

    def __init__(self, server: HttpServer) -> None:
        self.idle_since: float | None = None
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: list[tuple[Request | ApiError, bool]] = []
        self._task: asyncio.Task[None] | None = None
        self._begin()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.idle_since = self._loop.time()
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.idle_since = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.connections.discard(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES_MAX:
            self.drop()
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > BODY_BYTES_MAX:
            self._too_large = True
            self._body.clear()
            return
        self._body += body

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        request: Request | ApiError = Request(
            self._parser.get_method().decode(), path, query, headers=self._headers, body=bytes(self._body)
        )
        if self._too_large:
            request = ApiError(413, "body_too_large", f"at most {BODY_BYTES_MAX} bytes")
        self._waiting.append((request, self._parser.should_keep_alive()))
        if self._task is None and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._task = self._loop.create_task(self._work())

    def drop(self) -> None:
        """Close the connection without another word."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._body = bytearray()
        self._too_large = False

    async def _work(self) -> None:
        while self._waiting:
            request, keep_alive = self._waiting.pop(0)
            response = await self._response(request)
            if self._transport is None or self._transport.is_closing():
                return
            if response.hang_s >= 0:
                # Reading on is how the loss of the client is noticed while it is kept waiting.
                self._transport.resume_reading()
                await asyncio.sleep(response.hang_s)
                self.drop()
                return
            self._transport.write(encode(response, keep_alive=keep_alive))
            if not keep_alive:
                self._transport.close()
                return
        self._task = None
        self.idle_since = self._loop.time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _response(self, request: Request | ApiError) -> Response:
        if isinstance(request, ApiError):
            return Response.json({"error": {"code": request.code, "detail": request.detail}}, status=request.status)
        return await self._server.answer(request)


def encode(response: Response, *, keep_alive: bool) -> bytes:
    """The bytes of a response."""
    head = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    if response.status != HTTPStatus.NO_CONTENT:
        head.append(f"Content-Length: {len(response.body)}")
        head.append(f"Content-Type: {response.content_type}")
    head.extend(f"{name}: {value}" for name, value in response.headers.items())
    if not keep_alive:
        head.append("Connection: close")
    return "\r\n".join((*head, "", "")).encode("latin-1") + response.body


_REASONS: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}
