"""One HTTP connection: what is no HTTP is answered as a problem, and who is slow on purpose is cut.

The server's parser refuses requests that are no HTTP; left alone, it would answer in plain text. Such a request has no
headers that could be believed, so its trace begins here, and the log line has it.

The server itself waits without end for headers, for the rest of a body that was answered early, and for a client to
take its answer; a few thousand such connections cost an attacker nothing. What a handler waits for, its own deadline
bounds.
"""

import asyncio
import re
import socket
import struct
from enum import StrEnum
from uuid import uuid4

import structlog
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.problem_details import MEDIA_TYPE, encoded_problem

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"})
"""Those of RFC 9110 and RFC 5789."""


class Awaited(StrEnum):
    """What a connection waits for its client to do: send something, or take what was answered."""

    NOTHING = "nothing"
    REQUEST = "request"
    HEADERS = "headers"
    BODY = "body"
    REST = "rest of an answered body"
    READING = "reading"


PATIENCE_S = {
    Awaited.REQUEST: 30.0,
    Awaited.HEADERS: 5.0,
    Awaited.BODY: 60.0,
    Awaited.REST: 2.0,
    Awaited.READING: 5.0,
}
"""How long, in seconds. For headers from the first byte of a request to their end, whatever comes in between; for a
client that reads, from one look to the next, if it has taken nothing. A body is awaited longer than any deadline of a
request: it is the handler that gives up first.
"""
LAST_LOOK_S = 0.2
"""After a moment in which this process itself stood still, what has come in meanwhile is read before anybody is cut."""

_REQUEST = re.compile(rb"([A-Za-z][A-Za-z0-9_-]*) [^ ]+ HTTP/1\.[01]\r?\n")
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: what was not sent is thrown away."""
_log = structlog.get_logger()


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    _received = b""
    _awaited = Awaited.REQUEST
    _requests = 0
    _watched: tuple[Awaited, int] | None = None
    _sending: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _has_taken = False
    _answering: RequestResponseCycle | None = None

    def patience_s(self, awaited: Awaited) -> float | None:
        """How long the client may take for it; None: for ever."""
        return PATIENCE_S.get(awaited)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._sending, self._reading):
            if timer is not None:
                timer.cancel()
        if self._answering is not None and not self._answering.response_complete:
            # of requests that came in one go the server tells the last one only that nobody listens any more
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Remember what is parsed now: the parser does not say what it refused."""
        self._received = data
        super().data_received(data)
        if self._awaited is Awaited.NOTHING and self.cycle.response_complete:
            self._awaited = Awaited.REQUEST  # the server stopped its own timer, and begins it at answers only
        self._watch()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        self._requests += 1
        self._awaited = Awaited.HEADERS
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._awaited = Awaited.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._awaited = Awaited.NOTHING
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._awaited is Awaited.BODY and self.cycle.response_complete:
            self._awaited = Awaited.REST
            self._watch()
        self._watch_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        self._has_taken = True
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused, and close: what follows on this connection cannot be told apart."""
        request = _REQUEST.match(self._received)
        if request is not None and request.group(1) not in METHODS:
            self._refuse(b"501 Not Implemented", "method_not_implemented", "HTTP has no such method", said=msg)
        else:
            self._refuse(b"400 Bad Request", "malformed_request", "this is no HTTP request", said=msg)

    def _refuse(self, status: bytes, code: str, detail: str, *, said: str) -> None:
        trace_id = uuid4().hex
        _log.warning(code, trace_id=trace_id, said=said)
        body = encoded_problem(int(status[:3]), code, detail, trace_id=trace_id)
        head = [
            b"HTTP/1.1 " + status,
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"cache-control: no-store",
            b"x-trace-id: " + trace_id.encode(),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*head, b"", body]))
        self.transport.close()

    def _watch(self) -> None:
        """Bound what is awaited now; what was awaited before goes on to be bounded as it was."""
        if self._watched == (self._awaited, self._requests) or self.transport.is_closing():
            return
        self._watched = (self._awaited, self._requests)
        if self._sending is not None:
            self._sending.cancel()
        patience_s = self.patience_s(self._awaited)
        self._sending = None if patience_s is None else self.loop.call_later(patience_s, self._look_again)

    def _look_again(self) -> None:
        self._sending = self.loop.call_later(LAST_LOOK_S, self._cut)

    def _cut(self) -> None:
        if self.transport.is_closing():
            return
        if self._awaited is Awaited.HEADERS and (self._requests == 1 or self.cycle.response_complete):
            self._refuse(
                b"408 Request Timeout", "request_timeout", "the headers took too long to arrive", said="slow headers"
            )
        else:
            self.transport.close()
        self._watch_reading()

    def _watch_reading(self) -> None:
        """Bound how long the client may leave an answer where it is, also when the connection is closing."""
        patience_s = self.patience_s(Awaited.READING)
        left = self.transport.get_write_buffer_size()
        if self._reading is None and left and patience_s is not None:
            self._has_taken = False
            self._reading = self.loop.call_later(patience_s, self._look_at_reading, left)

    def _look_at_reading(self, before: int) -> None:
        self._reading = None
        if self._has_taken or self.transport.get_write_buffer_size() < before:
            self._watch_reading()
        else:
            _log.warning("answer_not_taken", left_bytes=before)
            # without it the system would go on offering what it holds of the answer, on a socket that is nobody's
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
