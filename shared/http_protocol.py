"""Requests that are no HTTP, or whose method HTTP does not have: answered as problems before any application sees them.

The server's parser refuses them; left alone, it would answer in plain text. Such a request has no headers that could be
believed, so its trace begins here, and the log line has it.
"""

import re
from uuid import uuid4

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.problem_details import MEDIA_TYPE, encoded_problem

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"})
"""Those of RFC 9110 and RFC 5789."""

_REQUEST = re.compile(rb"([A-Za-z][A-Za-z0-9_-]*) [^ ]+ HTTP/1\.[01]\r?\n")
_log = structlog.get_logger()


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    _received = b""

    def data_received(self, data: bytes) -> None:
        """Remember what is parsed now: the parser does not say what it refused."""
        self._received = data
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused, and close: what follows on this connection cannot be told apart."""
        request = _REQUEST.match(self._received)
        unknown_method = request is not None and request.group(1) not in METHODS
        status = b"501 Not Implemented" if unknown_method else b"400 Bad Request"
        code = "method_not_implemented" if unknown_method else "malformed_request"
        detail = "HTTP has no such method" if unknown_method else "this is no HTTP request"
        trace_id = uuid4().hex
        _log.warning(code, trace_id=trace_id, said=msg)
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
