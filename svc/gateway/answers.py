"""The gateway's own answers in plain ASGI: problem details with the trace id, security headers and nothing to cache."""

import math

import msgspec
from litestar.types import Send

from shared.errors import Refusal
from shared.http_methods import allow
from shared.problem_details import problem, refusal_body
from svc.gateway.headers import SECURITY_HEADERS
from svc.gateway.routes import METHODS

STATUS_OF_CODE = {"method_not_allowed": 405, "request_timeout": 408, "headers_too_large": 431}
"""Refusals of HTTP itself, which no business rule shares and no kind stands for."""

_ALLOWED = allow(METHODS).encode()
_encoder = msgspec.json.Encoder(enc_hook=str)

Headers = list[tuple[bytes, bytes]]


async def refuse(send: Send, refusal: Refusal, headers: Headers) -> int:
    """Answer with a refusal; returns the status."""
    status, body = refusal_body(refusal)
    status = STATUS_OF_CODE.get(refusal.code, status)
    body["status"] = status
    extra: Headers = []
    if status == 401:
        challenge = b'Bearer error="invalid_token"' if refusal.code == "invalid_token" else b"Bearer"
        extra.append((b"www-authenticate", challenge))
    if status == 405:
        extra.append((b"allow", _ALLOWED))
    if status in (429, 503):
        extra.append((b"retry-after", _retry_after(refusal)))
    if status in (400, 408, 413, 431):
        extra.append((b"connection", b"close"))  # what is left of the request is not worth reading
    await _answer(send, status, _encoder.encode(body), [*headers, *extra])
    return status


async def fail(send: Send, headers: Headers) -> int:
    """Answer that something of ours broke, and nothing more than the trace id."""
    await _answer(send, 500, _encoder.encode(problem(500, "internal_error")), headers)
    return 500


async def plain(send: Send, status: int, headers: Headers) -> int:
    """Answer without a body."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-length", b"0"), *SECURITY_HEADERS, *headers],
        }
    )
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return status


async def _answer(send: Send, status: int, content: bytes, headers: Headers) -> None:
    sent: Headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *SECURITY_HEADERS,
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def _retry_after(refusal: Refusal) -> bytes:
    value = refusal.extra.get("retry_after_s", 1)
    return str(max(1, math.ceil(value)) if isinstance(value, int | float) else 1).encode()
