"""A client of the shop that writes the history: what was asked, before its bytes leave, and what came back.

`ok` and `fail` are definite; a time-out, a reset or a 5xx on a write is `info`, it may have happened. Whoever never
learned asks again with the same key.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self

import aiohttp
import msgspec

from scenarios.checkers.no_cross_user import FOREIGN
from scenarios.history import HistoryWriter, Invocation, RecordType
from scenarios.workloads.market import Person
from scenarios.workloads.requests import Answered, Charge, Request, judged
from shared.money import Money, MoneyWire

PATIENT_TIMEOUT_S: Final = 12.0
ATTEMPTS_MAX: Final = 6
BACK_OFF_S: Final = (0.1, 0.3, 0.8, 1.5, 3.0)
KEEPALIVE_S: Final = 10.0
CAPTURE_POLL_S: Final = 0.25
LOOK_AGAIN_S: Final = 0.25
LOOK_AGAIN_S_MAX: Final = 2.0
"""Who waits long looks ever more rarely: a crowd that waits must not become the overload it waits for."""
NEVER_CHARGED: Final = frozenset({"failed", "cancelled"})


def _is_anything(_content: bytes) -> bool:
    return True


class AttemptResult(msgspec.Struct, frozen=True):
    """How one attempt ended. `again` says that asking again, with the same key, is what an honest client does."""

    type: RecordType
    process: int
    again: bool
    code: str = ""
    value: Any = None


class Client:
    """Any number of customers over one connection pool, each attempt a process of the history."""

    def __init__(self, http: aiohttp.ClientSession, history: HistoryWriter, *, gateway_url: str) -> None:
        self._http = http
        self._history = history
        self._url = f"{gateway_url}/api/v1"

    @classmethod
    @asynccontextmanager
    async def open(cls, history: HistoryWriter, *, gateway_url: str) -> AsyncGenerator[Self]:
        """Without a bound on connections: each customer has one of its own."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as http:
            yield cls(http, history, gateway_url=gateway_url)

    async def insist(
        self, request: Request, *, first_timeout_s: float = PATIENT_TIMEOUT_S, attempts_max: int = ATTEMPTS_MAX
    ) -> AttemptResult:
        """Ask until there is a definite answer, with the same key, at most so many times; gives the last one."""
        result = await self.ask(request, self._history.new_process(), timeout_s=first_timeout_s)
        for number in range(1, attempts_max):
            if not result.again:
                break
            await asyncio.sleep(BACK_OFF_S[min(number, len(BACK_OFF_S)) - 1])
            result = await self.ask(request, result.process)
        return result

    async def ask(self, request: Request, process: int, *, timeout_s: float = PATIENT_TIMEOUT_S) -> AttemptResult:
        """One attempt."""
        invocation = self._history.invoke(process, request.function, key=request.key, value=request.attempt)
        try:
            answered = await self._send(request, timeout_s)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return AttemptResult("info", self._history.info(invocation, error=type(error).__name__), again=True)
        return self._record(request, invocation, answered)

    async def charged(self, buyer: Person, order_id: str, *, patience_s: float) -> Charge | None:
        """The order's payment once its money was taken; None when it never will be, or not within the patience."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while loop.time() < until:
            page = await self.read(buyer.access_token, f"/payments?order_id={order_id}")
            for item in page["items"] if page else ():
                if item["status"] == "captured":
                    return Charge(item["id"], order_id, Money.from_wire(MoneyWire(**item["amount"])))
                if item["status"] in NEVER_CHARGED:
                    return None
            await asyncio.sleep(CAPTURE_POLL_S)
        return None

    async def see(
        self, function: str, token: str, path: str, shows: Callable[[Any], bool], *, patience_s: float
    ) -> bool:
        """Look until it shows what is waited for: one operation of the history, unknown when the patience ends."""
        process = self._history.new_process()
        invocation = self._history.invoke(process, function)
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + patience_s, LOOK_AGAIN_S
        while loop.time() < until:
            answer = await self.read(token, path)
            if answer is not None and shows(answer):
                self._history.ok(invocation)
                return True
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LOOK_AGAIN_S_MAX)
        self._history.info(invocation, error="not seen")
        return False

    async def look(
        self, function: str, token: str, path: str, *, timeout_s: float, is_mine: Callable[[bytes], bool] = _is_anything
    ) -> RecordType:
        """One GET, one operation of the history: ok, refused with a code, or not known; gives which.

        An answer that `is_mine` denies was another's, and stands there as such.
        """
        process = self._history.new_process()
        invocation = self._history.invoke(process, function)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http.get(self._url + path, headers={"Authorization": f"Bearer {token}"}) as answer,
            ):
                content, trace_id = await answer.read(), answer.headers.get("X-Trace-Id", "")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._history.info(invocation, error=type(error).__name__)
            return "info"
        if answer.status == 200 and not is_mine(content):
            self._history.fail(invocation, error=FOREIGN, trace_id=trace_id)
            return "fail"
        if answer.status == 200:
            self._history.ok(invocation, trace_id=trace_id)
            return "ok"
        code = Answered(status=answer.status, content=content, replayed=False, trace_id=trace_id).code
        if code and answer.status not in {500, 504}:
            self._history.fail(invocation, error=code, trace_id=trace_id)
            return "fail"
        self._history.info(invocation, error=code or str(answer.status), trace_id=trace_id)
        return "info"

    async def hang_up(self, token: str, path: str, *, after_s: float) -> None:
        """Ask and leave before the answer; outside the history, for there is nothing to learn."""
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with (
                asyncio.timeout(after_s),
                self._http.get(self._url + path, headers={"Authorization": f"Bearer {token}"}) as answer,
            ):
                await answer.read()

    async def move_rate(self, exchange_url: str, currency: str, *, per_euro: str) -> None:
        """Let the exchange, which is no part of the shop, give another rate from now on; outside the history."""
        change = {"currency": currency, "per_euro": per_euro}
        async with self._http.put(f"{exchange_url}/control/exchange-rates", json=change) as answer:
            answer.raise_for_status()

    async def read(self, token: str, path: str) -> Any:
        """Look at something, outside the history. None when there is no answer or none to be had."""
        try:
            async with (
                asyncio.timeout(PATIENT_TIMEOUT_S),
                self._http.get(self._url + path, headers={"Authorization": f"Bearer {token}"}) as answer,
            ):
                return msgspec.json.decode(await answer.read()) if answer.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None

    async def _send(self, request: Request, timeout_s: float) -> Answered:
        headers = {"Authorization": f"Bearer {request.token}", "Content-Type": "application/json"}
        if request.key:
            headers["Idempotency-Key"] = request.key
        if request.if_match:
            headers["If-Match"] = request.if_match
        async with (
            asyncio.timeout(timeout_s),
            self._http.request(request.method, self._url + request.path, data=request.body, headers=headers) as answer,
        ):
            return Answered(
                status=answer.status,
                content=await answer.read(),
                replayed=answer.headers.get("Idempotency-Replayed") == "true",
                trace_id=answer.headers.get("X-Trace-Id", ""),
            )

    def _record(self, request: Request, invocation: Invocation, answered: Answered) -> AttemptResult:
        process, trace_id = invocation.process, answered.trace_id
        found = judged(request, answered)
        if found.type == "ok":
            self._history.ok(invocation, value=found.value, trace_id=trace_id)
        elif found.type == "fail":
            self._history.fail(invocation, error=found.error, value=found.value, trace_id=trace_id)
        else:
            process = self._history.info(invocation, error=found.error, trace_id=trace_id)
        value = found.value if found.type == "ok" else None
        return AttemptResult(found.type, process, again=found.again, code=found.code, value=value)
