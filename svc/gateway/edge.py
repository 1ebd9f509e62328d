"""The first thing every request meets: it is traced, checked, identified, counted and then forwarded or refused.

Stands in front of the framework: its router decodes paths, and what is refused here must never be decoded.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Any

import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shared import tracing
from shared.declaration import RouteClass
from shared.errors import Kind, Refusal, Unauthenticated
from shared.identity import ADDRESS_HEADER, ANONYMOUS, InternalTokens, Principal
from shared.identity import HEADER as TOKEN_HEADER
from shared.metrics import observe_request
from shared.probe_token import probe_token
from svc.gateway import answers, paths
from svc.gateway.access_log import AccessLog
from svc.gateway.api_keys import MARK as KEY_MARK
from svc.gateway.api_keys import ApiKeys
from svc.gateway.arrival import Arrival
from svc.gateway.bodies import Body, ClientDepartedError, open_body
from svc.gateway.cors import Cors
from svc.gateway.headers import SECURITY_HEADERS
from svc.gateway.limits import API_KEY, REFUSED_TOKENS, RateLimits
from svc.gateway.proxy import Forward, Proxy, RequestTimeout
from svc.gateway.routes import DEADLINE_S, METHODS, READ, SHARE_OF_PLACES, Route, Routes
from svc.gateway.settings import Settings
from svc.gateway.upstreams import Overloaded
from svc.gateway.user_tokens import InvalidToken, UserTokens, bearer

STATUS_CLIENT_DEPARTED = 499
PROBES = (b"/health/ready", b"/metrics")
"""For the supervisor and the operator on this machine, who show the probe token; to others they are not there."""
OPERATED = (b"/internal/contract", b"/internal/fault-controls")
"""For the operator on this machine, who shows a token; to everybody else they are not there."""
OWN_PAGES = {
    b"/": "/",
    b"/api/v1/status": "/api/v1/status",
    # the framework's own document is at the public address, the merged one is kept elsewhere
    b"/openapi/openapi.json": "/fleet/openapi.json",
    b"/health/live": "/health/live",
}
_OWN_LABEL = "gateway"
_TOKEN = TOKEN_HEADER.lower().encode()

log = structlog.get_logger(__name__)

FilterHeaders = Callable[..., Any]


class MethodNotAllowed(Refusal):
    code = "method_not_allowed"
    kind = Kind.INVALID


class Edge:
    """An ASGI application around the gateway's own pages."""

    def __init__(  # noqa: PLR0913 what every request meets, each made apart
        self,
        own_pages: ASGIApp,
        *,
        settings: Settings,
        routes: Routes,
        proxy: Proxy,
        users: UserTokens,
        api_keys: ApiKeys,
        limits: RateLimits,
        tokens: InternalTokens,
        access_log: AccessLog,
        filter_headers: FilterHeaders,
    ) -> None:
        self._own_pages = own_pages
        self._settings = settings
        self._routes = routes
        self._proxy = proxy
        self._users = users
        self._api_keys = api_keys
        self._limits = limits
        self._tokens = tokens
        self._log = access_log
        self._filter_headers = filter_headers
        self._probe_proof = f"Bearer {probe_token(settings.internal_secret)}".encode()
        self._cors = Cors(settings.cors_origins)
        self._hosts = frozenset(host.lower() for host in (*settings.allowed_hosts, settings.host))
        self._known_hosts: set[bytes] = set()
        self._trusted = frozenset(settings.trusted_proxies)
        self._operators = frozenset(settings.operator_peers)
        self._places = {kind: int(share * settings.in_flight_max) for kind, share in SHARE_OF_PLACES.items()}
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from its first byte to its last."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if self._is_operators(scope):
            await self._own_pages(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"]
        arrival = Arrival(scope)
        checked = self._check(scope, arrival)
        label = checked.label if isinstance(checked, Route) else _OWN_LABEL
        with tracing.span(f"{method} {label}", kind="server", parent=arrival.traceparent) as span:
            context = span.get_span_context()
            trace_id = f"{context.trace_id:032x}"
            arrival.traceparent = f"00-{trace_id}-{context.span_id:016x}-01"
            headers = [(b"x-trace-id", trace_id.encode())]
            instance = ""
            try:
                if checked is None:
                    status = await self._show_own(scope, receive, send, headers, traceparent=arrival.traceparent)
                else:
                    status, instance = await self._admit(checked, scope, arrival, receive, send, headers)
            except Refusal as refusal:
                status = await answers.refuse(send, refusal, headers)
            except ClientDepartedError:
                status = STATUS_CLIENT_DEPARTED
            except Exception:
                log.exception("uncaught", method=method, route=label)
                status = await answers.fail(send, headers)
            span.set_attribute("http.status", status)
            if checked is not None:
                seconds = time.perf_counter() - started
                observe_request("gateway", method, status, seconds)
                self._log.write(
                    method=method,
                    path=scope["raw_path"].decode("latin-1"),
                    status=status,
                    ms=round(seconds * 1000, 2),
                    target=instance,
                )

    def _is_operators(self, scope: HTTPScope) -> bool:
        """Whether the request comes from this machine, is none of the public's, and shows the token of its kind.

        The token of a probe is judged here, that of an operated page by the page.
        """
        path = scope["raw_path"]
        if (path not in PROBES and path not in OPERATED) or _peer(scope) not in self._operators:
            return False
        if path in OPERATED:
            return any(name == _TOKEN for name, _ in scope["headers"])
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._probe_proof)

    def _check(self, scope: HTTPScope, arrival: Arrival) -> Route | Refusal | None:
        """The route, None for an own page, or why the request is refused (told later, inside of its trace)."""
        try:
            arrival.check()
            self._check_host(arrival.host)
            path = scope["raw_path"]
            paths.check(path, scope["query_string"])
            if scope["method"] not in METHODS:
                raise MethodNotAllowed("this method is not used here")
            return None if path in OWN_PAGES else self._routes.of(path)
        except Refusal as refusal:
            return refusal

    def _check_host(self, host: bytes | None) -> None:
        if host in self._known_hosts:
            return
        if host is None or paths.host_without_port(host) not in self._hosts:
            raise paths.InvalidHost("this host is not served here")
        if len(self._known_hosts) < len(self._hosts) * 4:
            self._known_hosts.add(host)

    async def _show_own(
        self, scope: HTTPScope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]], *, traceparent: str
    ) -> int:
        status = 500

        async def send_secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                missing = [pair for pair in SECURITY_HEADERS if pair[0] not in present]
                message["headers"] = [*message["headers"], *missing, *headers]
            await send(message)

        kept = [(name, value) for name, value in scope["headers"] if name != b"traceparent"]
        scope["headers"] = [*kept, (b"traceparent", traceparent.encode())]
        scope["path"] = OWN_PAGES[scope["raw_path"]]
        await self._own_pages(scope, receive, send_secured)
        return status

    async def _admit(
        self,
        checked: Route | Refusal,
        scope: HTTPScope,
        arrival: Arrival,
        receive: Receive,
        send: Send,
        answer_headers: list[tuple[bytes, bytes]],
    ) -> tuple[int, str]:
        """Forward what may be forwarded; returns the status and the instance that answered."""
        if isinstance(checked, Refusal):
            raise checked
        if arrival.preflight and scope["method"] == "OPTIONS":
            return await answers.plain(send, 204, answer_headers + self._cors.preflight(arrival.origin)), ""
        answer_headers += self._cors.headers(arrival.origin)
        if self.in_flight >= self._places[checked.kind]:
            raise Overloaded("too many requests at once; try again", retry_after_s=1)
        self.in_flight += 1
        try:
            return await self._forward(checked, scope, arrival, receive, send, answer_headers)
        finally:
            self.in_flight -= 1

    async def _forward(
        self,
        route: Route,
        scope: HTTPScope,
        arrival: Arrival,
        receive: Receive,
        send: Send,
        answer_headers: list[tuple[bytes, bytes]],
    ) -> tuple[int, str]:
        deadline_s = DEADLINE_S[route.kind]
        allowed_s = min(deadline_s, arrival.deadline_ms / 1000) if arrival.deadline_ms > 0 else deadline_s
        deadline_at = asyncio.get_running_loop().time() + allowed_s
        address = self._address(scope, arrival)
        principal = await self._identify(route, scope["method"], arrival, address)
        await self._count(route.kind, principal, address, answer_headers)
        headers = self._filter_headers(scope["headers"], arrival.connection)
        headers[ADDRESS_HEADER] = address
        if principal is not None:
            headers[TOKEN_HEADER] = self._tokens.mint(principal, route.service)
        elif route.vouches:
            headers[TOKEN_HEADER] = self._tokens.mint(ANONYMOUS, route.service)  # for the client's address
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
        forward = Forward(
            route=route,
            method=scope["method"],
            target=f"{path}?{query}" if query else path,
            headers=headers,
            traceparent=arrival.traceparent,
            body=await self._body(receive, arrival, deadline_at),
            receive=receive,
            send=send,
            caller=principal.subject if principal is not None else address,
            deadline_at=deadline_at,
            answer_headers=answer_headers,
        )
        try:
            await self._proxy.forward(forward)
        except Refusal:
            if not forward.started:
                raise
        return forward.status, forward.instance

    async def _body(self, receive: Receive, arrival: Arrival, deadline_at: float) -> Body | None:
        """Raises `RequestTimeout`, `BodyTooLarge`, `InvalidLength`, `ClientDepartedError`."""
        if arrival.content_length is None and not arrival.chunked:
            return None
        try:
            async with asyncio.timeout_at(deadline_at):
                return await open_body(
                    receive,
                    content_length=arrival.content_length,
                    chunked=arrival.chunked,
                    limit=self._settings.body_bytes_max,
                )
        except TimeoutError as error:
            raise RequestTimeout("the body took too long to arrive") from error

    async def _identify(self, route: Route, method: str, arrival: Arrival, address: str) -> Principal | None:
        """The caller; None for nobody in particular.

        Raises `InvalidToken`, `ScopeMissing`, `Unauthenticated`, `IdentityUnavailable`, `RateLimited`.
        """
        public = method in route.public_methods
        if arrival.authorization is None or route.ignores_token:
            if not public and not route.ignores_token:
                raise Unauthenticated("sign in first")
            return None
        try:
            token = bearer(arrival.authorization.decode("latin-1"))
            if token.startswith(KEY_MARK):
                return await self._key_holder(route, method, token)
            return await self._users.verify(token)
        except InvalidToken:
            await self._limits.hit(REFUSED_TOKENS, address)
            raise

    async def _key_holder(self, route: Route, method: str, key: str) -> Principal:
        holder = await self._api_keys.verify(key)
        assert holder.principal.session is not None, "a key holder's session is the key"
        await self._limits.hit(API_KEY, holder.principal.session)
        holder.check(route.service, reads=method in READ)
        return holder.principal

    async def _count(
        self, kind: RouteClass, principal: Principal | None, address: str, headers: list[tuple[bytes, bytes]]
    ) -> None:
        caller = f"user:{principal.subject}" if principal is not None else f"address:{address}"
        decision = await self._limits.hit(kind, caller)
        if decision is None:
            return
        headers += (
            (b"ratelimit-limit", str(self._limits.limit(kind).requests).encode()),
            (b"ratelimit-remaining", str(decision.remaining).encode()),
            (b"ratelimit-reset", str(-(-decision.reset_ms // 1000)).encode()),
        )

    def _address(self, scope: HTTPScope, arrival: Arrival) -> str:
        """The connection's address; behind a configured proxy the last one that this proxy saw."""
        peer = _peer(scope)
        if not self._trusted or peer not in self._trusted or arrival.forwarded_for is None:
            return peer
        for part in reversed(arrival.forwarded_for.decode("latin-1").split(",")):
            address = part.strip()[:64]
            if address and address not in self._trusted:
                return address
        return peer


def _peer(scope: HTTPScope) -> str:
    client = scope["client"]
    return client[0] if client else "unknown"
