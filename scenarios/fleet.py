"""A running fleet as the harness sees it: where things listen, the operator's calls, and the supervisor.

Talks to the fleet only as anyone outside could: HTTP, the control socket, the audit views.
"""

import asyncio
import fcntl
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import asyncpg
import msgspec

from compose import secrets_file, state
from compose import stack as stack_definition
from compose.addresses import place_of
from compose.control import Control
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.ports import DEFAULT_BASE
from shared.contracts import REGISTRY
from shared.identity import HEADER, InternalTokens, operator_principal
from shared.retry import ATTEMPTS_MAX, retrying

CALL_TIMEOUT_S = 60.0
BUSY = 503
PRODUCTS_KNOWN_LIMIT_S = 60.0
PRODUCTS_ASKED_EVERY_S = 0.2
DATABASE_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
)
"""A database that was just killed, or is none of a part of the stack; anything else that a query says is a bug."""
NO_ANSWER = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)

Json = dict[str, Any]
T = TypeVar("T")


class FleetRefusedError(OperatorError):
    """The fleet refused or failed an operator's call that the harness cannot do without.

    `status` and `problem` are the answer's: its problem document's stable code, empty where it was none.
    """

    def __init__(self, name: str, request: str, *, status: int, content: bytes) -> None:
        self.status = status
        try:
            document = msgspec.json.decode(content, type=_Problem)
        except msgspec.MsgspecError:
            document = _Problem()
        self.problem = document.code
        said = document.detail or document.title or "it gave no reason"
        reason = f"{document.code}: {said}" if document.code else said
        super().__init__(
            "fleet.refused",
            f"{name} refused {request} with {status}, {reason}",
            mend="Look with: shopctl status, shopctl logs.",
        )


class _Problem(msgspec.Struct, frozen=True):
    """What a problem document says to people (RFC 9457)."""

    code: str = ""
    title: str = ""
    detail: str = ""


class FleetAwayError(OperatorError):
    """A service or simulator that does not answer: not started, just killed, or too slow."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__("fleet.away", f"{name} does not answer at {where}.", mend="Look with: shopctl status.")


class Fleet:
    """One running stack. Open it as a context manager; it holds one HTTP session."""

    def __init__(self, layout: Layout, stack: state.StackState) -> None:
        self.layout = layout
        self.stack = stack
        self.control = Control(layout)
        self.declared = {service.name: service.declaration() for service in stack_definition.load().audited}
        """What each service with a database declares of itself, by its name."""
        self.secret = secrets_file.load_or_make(layout).internal_secret
        """What services and operator know each other by."""
        self._tokens = InternalTokens(self.secret)
        self._http: aiohttp.ClientSession | None = None

    @classmethod
    def running(cls, home: Path | None = None) -> "Fleet":
        """The fleet of a home. Raises `OperatorError` (stack.down)."""
        return cls(*state.running(home))

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The session for control calls; workloads bring their own."""
        assert self._http is not None, "the fleet is not open"
        return self._http

    @property
    def gateway_url(self) -> str:
        return self.url("gateway")

    def url(self, name: str) -> str:
        """Where a service or simulator listens for HTTP."""
        return f"http://127.0.0.1:{self.layout.port(name)}"

    def reached(self, name: str) -> str:
        """The address of that name as the services reach it."""
        return self.stack.inside.get(name) or self.stack.urls[name]

    def published(self, port: int) -> int:
        """The port of this machine behind which a port of the simulated world is."""
        return port if self.stack.profile != "compose" else port - DEFAULT_BASE + self.stack.port_base

    def audit_urls(self) -> dict[str, str]:
        """The read-only database address of every audited service."""
        return {service: self.stack.audit_url.format(database=service) for service in self.declared}

    def subscriptions(self) -> dict[str, list[str]]:
        """Event types by consuming service."""
        return {service: sorted(word.event_types(REGISTRY)) for service, word in self.declared.items()}

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Nobody else plays a scenario on this fleet or repairs it until the block ends; a dead holder holds nothing.

        Raises `OperatorError` (fleet.busy).
        """
        with self.layout.exclusive_file.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OperatorError(
                    "fleet.busy",
                    "Another scenario or repair is under way on this fleet.",
                    mend="Wait for its end, or start a second fleet with SHOPSTREAM_HOME and --port-base.",
                ) from None
            yield

    async def call(self, service: str, method: str, path: str, *, json: object = None, **options: Any) -> Any:
        """Call a service as the operator. Raises `FleetRefusedError` for anything but 2xx, `FleetAwayError`."""
        headers = {
            HEADER: self._tokens.mint(operator_principal(), service),
            "Content-Type": "application/json",
            **options.pop("headers", {}),
        }
        body = None if json is None else msgspec.json.encode(json)
        return await self._ask(service, method, path, data=body, headers=headers, **options)

    async def contract(self, service: str, port: int) -> Json:
        """What one instance says of itself: the events it consumes, the defects planted in it.

        Raises `FleetRefusedError`, `FleetAwayError`.
        """
        headers = {HEADER: self._tokens.mint(operator_principal(), service)}
        return await self._ask(service, "GET", "/internal/contract", port=port, headers=headers)

    async def sign_in(self, email: str, password: str) -> str:
        """The access token of somebody who signs in at the gateway. Raises `FleetRefusedError`, `FleetAwayError`."""
        answer = await self._ask("gateway", "POST", "/api/v1/auth/login", json={"email": email, "password": password})
        token: str = answer["access_token"]
        return token

    async def buy(self, token: str, *, key: str, sku: str, quantity: int, address: Json) -> Json:
        """Place one order through the gateway as a customer, who asks again with the key while the shop is busy (503).

        Raises `FleetRefusedError` for anything but 2xx, `FleetAwayError`.
        """
        body = {
            "items": [{"sku": sku, "quantity": quantity}],
            "payment_method": "tok_visa",
            "shipping_address": address,
        }
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return await retrying(
            lambda: self._ask("gateway", "POST", "/api/v1/orders", json=body, headers=headers),
            attempts=ATTEMPTS_MAX,
            on=lambda error: isinstance(error, FleetRefusedError) and error.status == BUSY,
        )

    async def receive(self, items: Sequence[Json]) -> None:
        """Book goods in; again until inventory has heard of products that were made just now.

        Raises `FleetRefusedError`, `FleetAwayError`.
        """
        until = asyncio.get_running_loop().time() + PRODUCTS_KNOWN_LIMIT_S
        while True:
            try:
                await self.call("inventory", "POST", "/internal/stock/import", json={"items": items})
            except FleetRefusedError as error:
                if error.problem != "unknown_sku" or asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(PRODUCTS_ASKED_EVERY_S)
            else:
                return

    async def world(self, name: str, method: str, path: str, *, json: object = None) -> Any:
        """Call a control interface of the simulated world (psp, carrier, catcher).

        Raises `FleetRefusedError` for anything but 2xx, `FleetAwayError`.
        """
        return await self._ask(name, method, path, json=json)

    async def rows(self, service: str, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Ask a service's audit views. Raises `FleetAwayError`."""
        url = self.audit_urls()[service]
        try:
            connection = await asyncpg.connect(url)
            try:
                return await connection.fetch(query, *arguments)
            finally:
                await connection.close()
        except DATABASE_AWAY as error:
            raise FleetAwayError(f"the database of {service}", place_of(url)) from error

    async def supervise(self, command: str, **arguments: Any) -> Json:
        """One call on the control socket, off the loop."""
        return await asyncio.to_thread(self.control.call, command, **arguments)

    async def processes(self) -> list[Json]:
        """What the supervisor knows of every process."""
        return await asyncio.to_thread(self.control.processes)

    async def instances(self, service: str) -> list[Json]:
        """The processes of a service that run now."""
        return [it for it in await self.processes() if it["component"] == service and it["pid"] is not None]

    async def call_process(self, process: Json, method: str, path: str, *, json: object = None) -> Any:
        """Call one process of a service as the operator. Raises `FleetRefusedError`, `FleetAwayError`."""
        headers = {
            HEADER: self._tokens.mint(operator_principal(), process["component"]),
            "Content-Type": "application/json",
        }
        body = None if json is None else msgspec.json.encode(json)
        return await self._ask(process["name"], method, path, port=process["port"], data=body, headers=headers)

    async def process(self, name: str) -> Json:
        """What the supervisor knows of one process. Raises `OperatorError` (process.unknown)."""
        for process in await self.processes():
            if process["name"] == name:
                return process
        raise OperatorError("process.unknown", f"There is no process {name!r}.", mend="shopctl status names them.")

    async def _ask(self, name: str, method: str, path: str, *, port: int | None = None, **options: Any) -> Any:
        url = self.url(name) if port is None else f"http://127.0.0.1:{port}"
        try:
            async with self.http.request(method, url + path, **options) as answer:
                content = await answer.read()
        except NO_ANSWER as error:
            raise FleetAwayError(name, url) from error
        if answer.status >= 300:
            raise FleetRefusedError(name, f"{method} {path}", status=answer.status, content=content)
        return msgspec.json.decode(content) if content else None


def asked(question: Callable[[Fleet], Awaitable[T]]) -> T:
    """What the running fleet answers, for a command that asks one thing.

    Raises `OperatorError` (stack.down, fleet.away, fleet.refused).
    """

    async def ask() -> T:
        async with Fleet.running() as fleet:
            return await question(fleet)

    return asyncio.run(ask())
