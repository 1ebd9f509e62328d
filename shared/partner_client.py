"""JSON over HTTP to a company outside the fleet, such as a payment provider or a carrier.

One call is one request: nothing is repeated here, and what an answer means is the caller's to decide.
"""

from typing import TypeVar

import aiohttp
import msgspec

from shared import caller, deadline, metrics, tracing
from shared.circuit_breaker import CircuitBreaker
from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.service_client import new_session, read_bounded

UNDECIDED_STATUSES = frozenset({401, 403, 408, 425, 429})

T = TypeVar("T")


class PartnerRefusal(Exception):  # noqa: N818 the partner's Refusal, as seen from here
    """The partner answered 4xx: it did not do it. `final` tells whether it never will, as asked."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code

    @property
    def final(self) -> bool:
        """False for refusals of the moment or of the caller, which say nothing about what was asked."""
        return self.status not in UNDECIDED_STATUSES and self.code != "idempotency_key_reused"


class _Error(msgspec.Struct, frozen=True):
    code: str = "refused"


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class PartnerClient:
    """Calls to one partner, `name` in metrics and errors. Open it inside the loop, close it at the end.

    Every call is bounded by `timeout_s` and by the deadline of the request it serves, every answer by its bytes.
    """

    def __init__(
        self, name: str, url: str, *, breaker: CircuitBreaker, timeout_s: float, answer_bytes_max: int
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._answer_bytes_max = answer_bytes_max
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        self._session = new_session()

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, path: str, answer_type: type[T], *, json: object = None, idempotency_key: str = ""
    ) -> T:
        """One request and its answer.

        Raises `PartnerRefusal` (certainly no effect), `RemoteUnavailableError` (`effect_possible` False: it never
        arrived), `RemoteTimeoutError` (in doubt) and what the breaker raises while it is open.
        """
        headers = {"Content-Type": "application/json"} if json is not None else {}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        tracing.inject(headers)
        body = None if json is None else msgspec.json.encode(json)
        outcome = "failed"
        try:
            async with self._breaker.guard(caller=caller.current() or idempotency_key or path):
                status, content = await self._exchange(method, path, headers, body)
                if status >= 500:
                    raise RemoteUnavailableError(f"the {self._name} answered {status}")
            outcome = "ok" if status < 400 else "refused"
        except RemoteTimeoutError:
            outcome = "timeout"
            raise
        finally:
            metrics.observe_remote_call(self._name, outcome)
        if status >= 400:
            raise PartnerRefusal(status, _code_of(content))
        try:
            return msgspec.json.decode(content, type=answer_type)
        except msgspec.DecodeError as error:
            raise RemoteUnavailableError(f"the answer of the {self._name} cannot be read: {error}") from error

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        assert self._session is not None, f"the {self._name} client is not open"
        try:
            async with (
                deadline.limit(self._timeout_s),
                self._session.request(
                    method, self._url + path, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await read_bounded(answer, bytes_max=self._answer_bytes_max)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RemoteUnavailableError(f"the {self._name} cannot be reached", effect_possible=False) from error
        except TimeoutError as error:
            raise RemoteTimeoutError(f"the {self._name} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RemoteUnavailableError(f"the {self._name} broke off: {type(error).__name__}") from error


def _code_of(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_ErrorBody).error.code
    except msgspec.DecodeError:
        return "refused"
