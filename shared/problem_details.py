"""Errors on the wire: RFC 9457 problem details with a stable code and the trace id.

Shows no stack trace, no SQL and no internals; what a client sees of an uncaught error is its trace id.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.types import Send

from shared import tracing
from shared.errors import Kind, Refusal, RemoteRefusal, RemoteTimeoutError, WorldError
from shared.field_words import must_be
from shared.http_methods import allow
from shared.money import InvalidMoneyError

TYPE_PREFIX = "urn:shopstream:problem:"
RETRY_AFTER_S = 1
FIELD_ERRORS_MAX = 50

STATUS_OF_KIND: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNPROCESSABLE: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.PRECONDITION_FAILED: 412,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
    Kind.TIMEOUT: 504,
}
_CODE_OF_STATUS = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "unavailable",
}
CLIENT_LEFT = 499
"""Nobody reads this answer: the client left before its request was read to the end. No fault of ours."""
_CLIENT_LEFT_DETAIL = "client disconnected prematurely"  # the framework has no type of its own for it
_MISSING = re.compile(r"Missing required \w+ parameter '([^']*)'")  # the framework has no type of its own for it
_RESERVED = frozenset({"type", "title", "status", "detail", "code", "trace_id"})

MEDIA_TYPE = "application/problem+json"
_encoder = msgspec.json.Encoder(enc_hook=str)
_log = structlog.get_logger()

_Request = Request[Any, Any, Any]
_Body = dict[str, object]


def problem(
    status: int, code: str, detail: str = "", *, extra: Mapping[str, object] | None = None, trace_id: str = ""
) -> _Body:
    """Build a problem-details body; `extra` never replaces a standard member."""
    body: _Body = {
        "type": TYPE_PREFIX + code,
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": trace_id or tracing.current_trace_id(),
    }
    for name, value in (extra or {}).items():
        if name not in _RESERVED:
            body[name] = value
    return body


def encoded_problem(status: int, code: str, detail: str = "", *, trace_id: str = "") -> bytes:
    """The body as it is sent, where there is no framework around."""
    return _encoder.encode(problem(status, code, detail, trace_id=trace_id))


async def problem_response(
    send: Send, *, status: int, code: str, detail: str = "", headers: Mapping[str, str] | None = None
) -> None:
    """Answer with a problem from plain ASGI, where there is no framework around (shedding, the proxy)."""
    content = encoded_problem(status, code, detail)
    sent = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(content)).encode())]
    sent += [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"no-store"), *sent]})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def refusal_body(refusal: Refusal, *, trace_id: str = "") -> tuple[int, _Body]:
    """Return status and body of a refusal; what an idempotency key stores as its answer."""
    status = STATUS_OF_KIND[refusal.kind]
    return status, problem(status, refusal.code, refusal.detail, extra=refusal.extra, trace_id=trace_id)


def answer_refusal(request: _Request, refusal: Refusal) -> Response[_Body]:
    status, body = refusal_body(refusal, trace_id=_trace_id(request))
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503) or "retry_after_s" in refusal.extra:
        headers["Retry-After"] = str(_retry_after_s(refusal.extra))
    return _respond(status, body, headers)


def answer_validation(request: _Request, error: ValidationException) -> Response[_Body]:
    raw: list[Any] = error.extra if isinstance(error.extra, list) else []
    errors = [_field_error(item, request) for item in raw[:FIELD_ERRORS_MAX]]
    if (missing := _MISSING.match(error.detail)) is not None:
        errors.append({"field": missing.group(1), "message": "is required"})
    detail = "some fields are not valid" if errors else "the request is not valid"
    extra = {"errors": errors}
    return _respond(400, problem(400, "invalid_body", detail, extra=extra, trace_id=_trace_id(request)))


def answer_http_exception(request: _Request, error: HTTPException) -> Response[_Body]:
    status = error.status_code
    if error.detail == _CLIENT_LEFT_DETAIL:
        return _respond(CLIENT_LEFT, problem(CLIENT_LEFT, "client_left", trace_id=_trace_id(request)))
    if status >= 500 and status != 503:
        return answer_uncaught(request, error)
    code = _CODE_OF_STATUS.get(status, "refused")
    if status == 400:
        # the body did not parse; the decoder's own words may quote it
        code, detail = "invalid_body", "the request is not valid"
    else:
        detail = code.replace("_", " ")
    headers = dict(error.headers or {})
    if "allow" in headers:
        headers["allow"] = allow(headers["allow"].split(", "))
    if status == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return _respond(status, problem(status, code, detail, trace_id=_trace_id(request)), headers)


def answer_invalid_money(request: _Request, error: InvalidMoneyError) -> Response[_Body]:
    return _respond(422, problem(422, "invalid_money", str(error), trace_id=_trace_id(request)))


def answer_world_error(request: _Request, error: WorldError) -> Response[_Body]:
    status = 504 if isinstance(error, RemoteTimeoutError) else 503
    _log.warning("world_error", code=error.code, path=request.url.path, exc_info=error)
    body = problem(status, error.code, "please try again in a moment", trace_id=_trace_id(request))
    return _respond(status, body, {"Retry-After": str(RETRY_AFTER_S)})


def answer_remote_refusal(request: _Request, error: RemoteRefusal) -> Response[_Body]:
    _log.error("remote_refusal_uncaught", path=request.url.path, exc_info=error)
    body = problem(502, "dependency_refused", "another part of the shop refused", trace_id=_trace_id(request))
    return _respond(502, body)


def answer_uncaught(request: _Request, error: Exception) -> Response[_Body]:
    """Log everything, tell nothing but the trace id."""
    _log.error("uncaught", method=request.method, path=request.url.path, exc_info=error)
    return _respond(500, problem(500, "internal_error", "", trace_id=_trace_id(request)))


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    Refusal: answer_refusal,
    RemoteRefusal: answer_remote_refusal,
    WorldError: answer_world_error,
    InvalidMoneyError: answer_invalid_money,
    ValidationException: answer_validation,
    HTTPException: answer_http_exception,
    Exception: answer_uncaught,
}


def _respond(status: int, body: _Body, headers: dict[str, str] | None = None) -> Response[_Body]:
    return Response(
        body,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def _field_error(item: Any, request: _Request) -> dict[str, str]:
    """The field and what may stand there; what the framework found in a parameter is said anew."""
    members = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    name, message = str(members.get("key", "")), str(members.get("message", "is not valid"))
    if members.get("source", "body") != "body":
        taker = _taker(request.scope["route_handler"], name)
        message = must_be(taker.signature_model, f".{name}")
        name = getattr(taker.parsed_fn_signature.parameters[name].kwarg_definition, "name", None) or name
    return {"field": name, "message": message}


def _taker(handler: BaseRouteHandler, parameter: str) -> BaseRouteHandler | Provide:
    """Who takes the parameter: the handler, or one of those that provide its dependencies."""
    takers = (handler, *handler.resolve_dependencies().values())
    return next(taker for taker in takers if parameter in taker.parsed_fn_signature.parameters)


def _retry_after_s(extra: Mapping[str, object]) -> int:
    value = extra.get("retry_after_s", RETRY_AFTER_S)
    return max(1, math.ceil(value)) if isinstance(value, int | float) else RETRY_AFTER_S


def _trace_id(request: _Request) -> str:
    # outside of the span, where no route was found or a middleware refused, the caller's trace is the request's
    return tracing.current_trace_id() or tracing.trace_id_of(request.headers)
