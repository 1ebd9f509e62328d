"""The world's HTTP on aiohttp.web: one small server per simulator, refusals as JSON, bodies and parameters checked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from shared.field_words import refused_field

BODY_BYTES_MAX = 1_048_576
IDLE_S_MAX = 75.0
BACKLOG = 2_048
STOP_S_MAX = 0.1
HEALTH_PATHS = ("/healthz", "/health/live", "/health/ready")

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Routes = Sequence[web.RouteDef]
_log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer that is a refusal: status, stable code, words."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class HttpServer:
    """Serves one table of routes on one port; adds the health paths."""

    def __init__(self, name: str, routes: Routes) -> None:
        self.name = name
        self.port = 0
        self._routes = routes
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the port is taken."""
        application = web.Application(middlewares=[_refusals], client_max_size=BODY_BYTES_MAX)
        application.add_routes(self._routes)
        application.add_routes([web.get(path, self._health) for path in HEALTH_PATHS])
        # who leaves is not worked for: a slow answer that nobody waits for must not be journalled as given
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=IDLE_S_MAX,
            shutdown_timeout=STOP_S_MAX,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=BACKLOG).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and drop every connection; safe to repeat."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _: web.Request) -> web.Response:
        return answer({"status": "ok", "part": self.name})


def answer(value: object, *, status: int = 200) -> web.Response:
    """`value` encoded by msgspec."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def silence(request: web.Request, seconds: float) -> web.Response:
    """No answer at all: the connection stays open for `seconds` and is closed then."""
    await asyncio.sleep(seconds)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def decoded(request: web.Request, shape: type[T]) -> T:
    """The body as `shape`. Raises ApiError 400 invalid_body."""
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error, shape) from error
    except msgspec.MsgspecError as error:
        raise ApiError(400, "invalid_body", "the body is not valid JSON") from error


def changed(value: T, part: dict[str, object]) -> T:
    """The value with other members. Raises ApiError 400 invalid_body.

    It awaits nothing, so that two who change different members at once both have their way.
    """
    try:
        return msgspec.convert({**msgspec.to_builtins(value), **part}, type(value))
    except msgspec.ValidationError as error:
        raise _invalid(error, type(value)) from error


def _invalid(error: msgspec.ValidationError, shape: Any) -> ApiError:
    field, words = refused_field(error, shape)
    return ApiError(400, "invalid_body", f"{field or 'the body'} {words}")


def integer(request: web.Request, name: str, *, default: int, at_most: int) -> int:
    """A query parameter between 0 and `at_most`. Raises ApiError 400 invalid_parameter."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ApiError(400, "invalid_parameter", f"{name} must be a whole number")
    return min(int(text), at_most)


def trace_id(request: web.Request) -> str:
    """The trace id of the W3C traceparent header, "" without one."""
    parts = request.headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else ""


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals become JSON, anything unforeseen a logged 500."""
    try:
        return await handler(request)
    except ApiError as refusal:
        return _refused(refusal.status, refusal.code, refusal.detail)
    except web.HTTPRequestEntityTooLarge:
        return _refused(413, "body_too_large", f"at most {BODY_BYTES_MAX} bytes")
    except web.HTTPException as error:
        return _refused(error.status, error.reason.lower().replace(" ", "_"), f"{request.method} {request.path}")
    except Exception:  # noqa: BLE001 - the edge: a client gets an answer, the log gets the traceback
        _log.exception("%s %s failed", request.method, request.path)
        return _refused(500, "internal_error", "see the log of the world")


def _refused(status: int, code: str, detail: str) -> web.Response:
    return answer({"error": {"code": code, "detail": detail}}, status=status)
