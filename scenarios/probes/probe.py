"""A probe, and what it does its work with: requests of an attacker's that are noted, and what came of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from scenarios.probes.card import AttackOutcome, Exchange, Owasp, ProbeCard, Severity
from scenarios.probes.grounds import Grounds, Person
from scenarios.probes.site import Site

ANSWER_LENGTH_MAX: Final = 300
EXCHANGES_MAX: Final = 12
"""How many requests of an attack are shown; all are made, counted and looked for in the log."""
REQUEST_LIMIT_S: Final = 20.0
RAW_LIMIT_S: Final = 5.0
RAW_BYTES_MAX: Final = 64 * 1024


Document = TypeVar("Document")


class ProbeBlockedError(Exception):
    """The attack could not be begun: an honest preparation was refused. Says nothing about the shop's defence."""


class _Problem(msgspec.Struct):
    code: str = ""


class _Page(msgspec.Struct):
    items: list[Any] = []


def _decoded(content: bytes, kind: type[Document], default: Document) -> Document:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return default


@dataclass(frozen=True)
class Reply:
    """An answer; `seconds` is how long it took, `trace_id` is the name of its request in the logs."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes
    seconds: float
    trace_id: str

    @property
    def json(self) -> Any:
        """The document, None where the body is none."""
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def document(self) -> dict[str, Any]:
        """The same, empty where the body is no object."""
        return _decoded(self.content, dict[str, Any], {})

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")

    @property
    def code(self) -> str:
        """The stable code of a refusal, "" where there is none."""
        return _decoded(self.content, _Problem, _Problem()).code

    @property
    def items(self) -> list[Any]:
        """The items of a page, none where it is no page."""
        return _decoded(self.content, _Page, _Page()).items


class Attack:
    """One attack under way, from an address of its own (127.0.0.0/8), so that no two share a rate limit."""

    def __init__(self, site: Site, grounds: Grounds, *, number: int) -> None:
        self.site = site
        self.grounds = grounds
        self.gains: list[str] = []
        self.exchanges: list[Exchange] = []
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.trace_ids: set[str] = set()
        self._number = number
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    def source(self, host: int = 1) -> str:
        """An address that requests of this attack can come from; equal numbers, equal addresses."""
        return f"127.{64 + self._number % 64}.{host >> 8}.{1 + host % 254}"

    def gained(self, what: str) -> None:
        """The attacker got something: the attack succeeded."""
        self.gains.append(what)

    async def let_through(self, reply: Reply, service: str, what: str) -> None:
        """Whether the door passed on what it must refuse: then the service behind has it in its log, refused or not."""
        if await self.site.logged(service, {reply.trace_id}):
            self.gained(f"{what}: let through to {service}")

    def require(self, condition: object, what: str) -> None:
        """Something honest that the attack builds upon. Raises `ProbeBlockedError`."""
        if not condition:
            raise ProbeBlockedError(what)

    async def ask(  # noqa: PLR0913 -- all that a request can have
        self,
        method: str,
        path: str,
        *,
        by: Person | None = None,
        service: str = "gateway",
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | None = None,
        token: str | None = None,
        host: int = 1,
    ) -> Reply:
        """One request, sent exactly as given, with the token of somebody or one that was made up."""
        trace_id = uuid4().hex
        sent = {"traceparent": f"00-{trace_id}-{trace_id[:16]}-01", **(headers or {})}
        bearer = token if token is not None else by.access_token if by is not None else None
        if bearer is not None:
            sent.setdefault("Authorization", f"Bearer {bearer}")
        if json is not None:
            data = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        self.requests += 1
        began = time.monotonic()
        async with self._session(self.source(host)).request(
            method,
            URL(self.site.url(service) + path, encoded=True),
            headers=sent,
            data=data and BytesIO(data),
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            reply = Reply(answer.status, answer.headers, content, time.monotonic() - began, trace_id)
        self._note(f"{method} {path}", reply.status, reply.text, reply.headers.get("X-Trace-Id", trace_id))
        self.trace_ids.add(trace_id)
        told = self.grounds.told(reply.text, to=by, knowing=f"{path} {(data or b'').decode(errors='replace')}")
        if told:
            self.gained(f"{method} {path} tells {by.email if by else 'a stranger'} of {', '.join(told)}")
        return reply

    async def raw(self, request: bytes, *, service: str = "gateway") -> bytes:
        """Bytes to a service's socket, and all that comes back until it closes or falls silent."""
        self.requests += 1
        where = urlsplit(self.site.url(service))
        reader, writer = await asyncio.open_connection(where.hostname, where.port, local_addr=(self.source(), 0))
        answer = b""
        try:
            writer.write(request)
            await writer.drain()
            async with asyncio.timeout(RAW_LIMIT_S):
                while len(answer) < RAW_BYTES_MAX and (chunk := await reader.read(4_096)):
                    answer += chunk
        except (TimeoutError, ConnectionError):
            pass  # silence and a closed connection are answers
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
        traces = [line[12:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"x-trace-id:")]
        trace_id = traces[0].decode() if traces else ""
        self._note(request.split(b"\r\n", 1)[0].decode("latin-1"), status, body.decode("latin-1"), trace_id)
        return answer

    def outcome(self, card: ProbeCard, *, reached: bool) -> AttackOutcome:
        return AttackOutcome(
            probe=card.id,
            gains=tuple(self.gains),
            exchanges=tuple(self.exchanges),
            requests=self.requests,
            statuses={str(status): count for status, count in sorted(self.statuses.items())},
            reached=reached,
        )

    def _note(self, request: str, status: int, answer: str, trace_id: str) -> None:
        self.statuses[status] += 1
        if trace_id:
            self.trace_ids.add(trace_id)
        if len(self.exchanges) < EXCHANGES_MAX:
            self.exchanges.append(Exchange(request[:ANSWER_LENGTH_MAX], status, answer[:ANSWER_LENGTH_MAX], trace_id))

    def _session(self, address: str) -> aiohttp.ClientSession:
        if address not in self._sessions:
            self._sessions[address] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=(address, 0), limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
            )
        return self._sessions[address]


@dataclass(frozen=True)
class Probe:
    """An attack and its card. `attack` calls `gained` for whatever it gets that it must not get."""

    card: ProbeCard
    attack: Callable[[Attack], Awaitable[None]] = field(repr=False)

    async def strike(self, site: Site, grounds: Grounds, *, number: int) -> AttackOutcome:
        """Attack once, from the address of that number. Raises `ProbeBlockedError`; what an unreachable site raises."""
        async with Attack(site, grounds, number=number) as attack:
            await self.attack(attack)
            return attack.outcome(self.card, reached=await site.logged(self.card.reaches, attack.trace_ids))


def probe(
    *,
    id: str,  # noqa: A002 -- the same
    title: str,
    severity: Severity,
    cwe: int,
    owasp: Owasp,
    remediation: str,
    services: tuple[str, ...],
    reaches: str,
) -> Callable[[Callable[[Attack], Awaitable[None]]], Probe]:
    """Makes a probe of an attack."""
    card = ProbeCard(
        id=id,
        title=title,
        severity=severity,
        cwe=cwe,
        owasp=owasp,
        remediation=remediation,
        services=services,
        reaches=reaches,
    )
    return lambda attack: Probe(card, attack)
