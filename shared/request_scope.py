"""What surrounds every HTTP request of a service: trace, deadline, load shedding, one log line, one measurement.

One ASGI middleware instead of five, because each layer costs every request.
"""

import time

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared import deadline
from shared.errors import Kind, Refusal
from shared.metrics import observe_request
from shared.problem_details import STATUS_OF_KIND
from shared.tracing import span

IN_FLIGHT_MAX = 256
DEFAULT_DEADLINE_S = 10.0
RETRY_AFTER_S = 1
UNMEASURED = ("/health/", "/metrics")

log = structlog.get_logger("request")


class Overloaded(Refusal):
    """More requests at once than this instance takes on; nothing was done."""

    code = "overloaded"
    kind = Kind.UNAVAILABLE


class Load:
    """Requests being worked on in this process; one count for all routes, because middleware is built per route."""

    def __init__(self, in_flight_max: int = IN_FLIGHT_MAX) -> None:
        self.in_flight = 0
        self.in_flight_max = in_flight_max


class RequestScope:
    """Refuses with 503 and Retry-After what exceeds the bound on concurrent requests, before any work is done."""

    def __init__(self, app: ASGIApp, *, service: str, load: Load) -> None:
        self._app = app
        self._service = service
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request inside its trace and deadline."""
        if scope["type"] != "http" or scope["path"].startswith(UNMEASURED):
            await self._app(scope, receive, send)
            return
        if self._load.in_flight >= self._load.in_flight_max:
            raise Overloaded("too many requests at once; try again", retry_after_s=RETRY_AFTER_S)
        self._load.in_flight += 1
        started = time.perf_counter()
        status = 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = {name: value for name, value in scope["headers"] if name in {b"traceparent", b"x-deadline-ms"}}
        try:
            with (
                span(
                    f"{scope['method']} {scope['path_template']}",  # few names: ids are in the path
                    kind="server",
                    parent=headers.get(b"traceparent", b"").decode("latin-1"),
                ) as current,
                deadline.within(_deadline_s(headers.get(b"x-deadline-ms"))),
            ):
                current.set_attribute("url.path", scope["path"])
                deadline.check()
                await self._app(scope, receive, send_observed)
                current.set_attribute("http.status", status)
                elapsed_ms = (time.perf_counter() - started) * 1000
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(elapsed_ms, 2),
                )
        except Refusal as refusal:  # raised by another middleware; the outer handler answers it
            status = STATUS_OF_KIND[refusal.kind]
            raise
        finally:
            self._load.in_flight -= 1
            observe_request(self._service, scope["method"], status, time.perf_counter() - started)


def _deadline_s(header: bytes | None) -> float:
    if header is None or not header.isdigit():
        return DEFAULT_DEADLINE_S
    return min(DEFAULT_DEADLINE_S, int(header) / 1000)
