"""Forwards one admitted request to an instance and its answer back, streaming both ways.

Repeats a request on another instance only when it never arrived or repeating is harmless, within a budget.
Knows nothing of tokens and limits; edge.py has decided those.
"""

import asyncio
from contextlib import suppress

import aiohttp
import msgspec
from litestar.types import Receive, Send
from multidict import CIMultiDict
from yarl import URL

from shared import metrics
from shared.circuit_breaker import CircuitOpenError
from shared.declaration import RouteClass
from shared.errors import Kind, Refusal
from shared.service_registry import Instance
from svc.gateway.bodies import Body, ClientDepartedError
from svc.gateway.headers import answered_headers
from svc.gateway.routes import DEADLINE_S, Route
from svc.gateway.upstreams import Overloaded, Upstream, Upstreams, UpstreamUnavailable

ATTEMPTS_MAX = 3
CONNECT_LIMIT_S = 0.5
KEEP_ALIVE_S = 15.0
WHOLE_ANSWER_BYTES_MAX = 256 * 1024
STREAM_LIMIT_S = 60.0
DEADLINE_ALLOWANCE_S = 0.05
"""The service gives up this long before we do, so that its own answer still arrives."""

PATIENCE_SHARE = 0.5
"""Of a route's deadline: who goes after that much of silence went because the service does not answer. Were they not
counted, a service that hangs would look well for as long as its clients are less patient than the deadline."""

WATCH_AFTER_S = 0.25
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
LOOKING = frozenset({RouteClass.BROWSE, RouteClass.RECOMMENDATIONS})
"""Who only looks gets a quarter of a service's places."""
_BUSY_STATUSES = frozenset({502, 503})
_FAILED_STATUSES = frozenset({500, 502, 504})


class UpstreamTimeout(Refusal):
    """The service did not answer in time; whether it did the work is unknown."""

    code = "upstream_timeout"
    kind = Kind.TIMEOUT


class RequestTimeout(Refusal):
    """The client took too long to send its body."""

    code = "request_timeout"
    kind = Kind.INVALID


class Forward(msgspec.Struct, kw_only=True):
    """One admitted request and how far it has come. `deadline_at` is on the loop's clock."""

    route: Route
    method: str
    target: str
    headers: CIMultiDict[str]
    traceparent: str
    body: Body | None
    receive: Receive
    send: Send
    caller: str
    """Whose request it is: a principal, or an address."""
    deadline_at: float
    answer_headers: list[tuple[bytes, bytes]]
    instance: str = ""
    started: bool = False
    finished: bool = False
    """Whether the last byte of the answer was handed over; after that a client is expected to leave."""
    status: int = 0

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice does no more than doing it once."""
        if self.method in IDEMPOTENT_METHODS:
            return True
        return self.method == "POST" and self.route.keyed and "idempotency-key" in self.headers


class Proxy:
    """The connection pool to all services. `open` inside the running loop, `close` at the end."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool; it connects to nothing yet. Its bound is each upstream's places."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def probe(self, url: str, *, limit_s: float) -> bytes | None:
        """What a page of an instance says, whatever its status; None when it does not answer in time."""
        assert self._session is not None, "open() comes before the first request"
        try:
            async with asyncio.timeout(limit_s), self._session.get(url, allow_redirects=False) as answer:
                return await answer.content.read(WHOLE_ANSWER_BYTES_MAX)
        except (aiohttp.ClientError, OSError):
            return None

    async def forward(self, forward: Forward) -> None:
        """Send the request on and its answer back. Raises `UpstreamUnavailable`, `UpstreamTimeout`, `Overloaded`,
        `BodyTooLarge`.

        Raises `ClientDepartedError` when there is nobody left to answer; the upstream connection is then closed.
        """
        upstream = self._upstreams.of(forward.route.service)
        watch = _Watch(forward)
        sent = False
        try:
            async with asyncio.timeout_at(forward.deadline_at) as limit:
                watch.start(limit)
                async with upstream.turnstile if forward.route.kind in LOOKING else upstream.places:
                    sent = True
                    await self._attempts(upstream, forward, limit)
        except TimeoutError as error:
            if watch.departed:
                raise ClientDepartedError from error
            if forward.started:
                return  # the answer stays incomplete and the server closes the connection
            if not sent:
                raise Overloaded("too many requests wait; nothing was done", retry_after_s=1) from error
            raise UpstreamTimeout(f"{upstream.name} did not answer in time", service=upstream.name) from error
        finally:
            watch.stop()

    async def _attempts(self, upstream: Upstream, forward: Forward, limit: asyncio.Timeout) -> None:
        upstream.budget.earn()
        avoid: str | None = None
        for number in range(1, ATTEMPTS_MAX + 1):
            last = number == ATTEMPTS_MAX
            instance = await upstream.choose(avoid=avoid)
            forward.instance = instance.name
            try:
                with upstream.occupied(instance):
                    done = await self._attempt(upstream, forward, instance, limit=limit, last=last)
            except _LostError as lost:
                if forward.body is not None and forward.body.failure is not None:
                    raise forward.body.failure from lost
                upstream.suspect(instance)
                if forward.started or last or not _may_repeat(forward, lost) or not upstream.budget.spend():
                    raise UpstreamUnavailable(
                        f"{upstream.name} could not be reached", retry_after_s=1, service=upstream.name
                    ) from lost
            else:
                if done:
                    return
            avoid = instance.name

    async def _attempt(
        self, upstream: Upstream, forward: Forward, instance: Instance, *, limit: asyncio.Timeout, last: bool
    ) -> bool:
        """One try inside the breaker; False when the instance was too busy and another one may be asked."""
        try:
            probing = await upstream.breaker.enter()
        except CircuitOpenError as error:
            raise UpstreamUnavailable(
                f"{upstream.name} has been failing; it gets a moment to recover",
                retry_after_s=round(error.retry_after_s, 3),
                service=upstream.name,
            ) from error
        outcome, caller, counted = "unknown", forward.caller, "failed"
        sent_at = asyncio.get_running_loop().time()
        try:
            answer = await self._send(forward, instance)
            try:
                outcome = "failed" if answer.status in _FAILED_STATUSES else "ok"
                counted = "refused" if 400 <= answer.status < 500 else outcome
                if answer.status in _BUSY_STATUSES and not last and await self._another(upstream, forward, instance):
                    return False
                await _answer(forward, answer, limit)
            finally:
                answer.close() if not answer.content.is_eof() else answer.release()
        except _LostError as lost:
            outcome = "failed"
            if not lost.arrived:
                caller = ""
            raise
        except asyncio.CancelledError:
            # our own time ran out, or the client left: the service's fault, unless the client gave it too little
            waited_s = asyncio.get_running_loop().time() - sent_at
            outcome = "failed" if waited_s >= PATIENCE_SHARE * DEADLINE_S[forward.route.kind] else "unknown"
            counted = "timeout"
            raise
        finally:
            metrics.observe_remote_call(upstream.name, counted)
            await upstream.breaker.leave(outcome, probing=probing, caller=caller)
        return True

    async def _another(self, upstream: Upstream, forward: Forward, instance: Instance) -> bool:
        if forward.method not in ("GET", "HEAD") or forward.body is not None:
            return False
        other = await upstream.choose(avoid=instance.name)
        return other.name != instance.name and upstream.budget.spend()

    async def _send(self, forward: Forward, instance: Instance) -> aiohttp.ClientResponse:
        assert self._session is not None, "open() comes before the first request"
        headers = forward.headers
        left_s = forward.deadline_at - asyncio.get_running_loop().time() - DEADLINE_ALLOWANCE_S
        headers["X-Deadline-Ms"] = str(max(1, int(left_s * 1000)))
        headers["traceparent"] = forward.traceparent
        body = forward.body
        data = None if body is None else body.stream() if body.is_stream else body.content
        if body is not None and body.is_stream and body.length is not None:
            headers["Content-Length"] = str(body.length)
        try:
            return await self._session.request(
                forward.method,
                URL(instance.url + forward.target, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _LostError(arrived=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _LostError(arrived=True) from error


class _LostError(Exception):
    """The connection died; `arrived` is False when the request certainly never reached the service."""

    def __init__(self, *, arrived: bool) -> None:
        super().__init__()
        self.arrived = arrived


class _Watch:
    """Notices that the client has left while its request is being worked on, once that takes a while."""

    __slots__ = ("_forward", "_handle", "_limit", "_task", "departed")

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._limit: asyncio.Timeout | None = None
        self.departed = False

    def start(self, limit: asyncio.Timeout) -> None:
        body = self._forward.body
        if body is not None and body.is_stream:
            return  # the body's own reader will notice
        self._limit = limit
        self._handle = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._wait(), name="client-watch")

    async def _wait(self) -> None:
        while (await self._forward.receive())["type"] != "http.disconnect":
            pass
        if self._forward.finished:
            return  # the server says so at the end of every answer
        self.departed = True
        if self._limit is not None:
            with suppress(RuntimeError):  # the block ended at this very moment
                self._limit.reschedule(asyncio.get_running_loop().time())


async def _answer(forward: Forward, answer: aiohttp.ClientResponse, limit: asyncio.Timeout) -> None:
    """Pass the answer on. Raises `_LostError` when it breaks off."""
    headers = answered_headers(answer.raw_headers)
    headers += forward.answer_headers
    length = answer.content_length
    try:
        if forward.method == "HEAD" or (length is not None and length <= WHOLE_ANSWER_BYTES_MAX):
            content = await answer.read()
            await _start(forward, answer.status, headers)
            await _finish(forward, content)
            return
        limit.reschedule(asyncio.get_running_loop().time() + STREAM_LIMIT_S)
        await _start(forward, answer.status, headers)
        async for chunk in answer.content.iter_any():
            await forward.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await _finish(forward, b"")
    except (aiohttp.ClientError, OSError) as error:
        raise _LostError(arrived=True) from error


async def _start(forward: Forward, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    forward.started = True
    forward.status = status
    await forward.send({"type": "http.response.start", "status": status, "headers": headers})


async def _finish(forward: Forward, content: bytes) -> None:
    forward.finished = True
    await forward.send({"type": "http.response.body", "body": content, "more_body": False})


def _may_repeat(forward: Forward, lost: _LostError) -> bool:
    if forward.body is not None and forward.body.is_stream:
        return False
    return not lost.arrived or forward.repeatable
