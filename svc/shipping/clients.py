"""The carrier, behind a Protocol: labels, hand-overs, and asking what it knows.

Raises `RemoteUnavailableError` (`effect_possible` False: never arrived), `RemoteTimeoutError` (in doubt) and
`CarrierRefusal` (4xx: certainly no effect). Never repeats a call by itself.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import quote
from uuid import UUID

import aiohttp
import msgspec

from shared import deadline, metrics, tracing
from shared.circuit_breaker import CircuitBreaker
from shared.contracts import Address
from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.service_client import new_session

ANSWER_BYTES_MAX = 256 * 1024
UNDECIDED_STATUSES = frozenset({401, 403, 408, 425, 429})

T = TypeVar("T")


class CarrierRefusal(Exception):  # noqa: N818 the carrier's Refusal, as seen from here
    """The carrier answered 4xx: it did not do it. `final` tells whether it never will, as asked."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code

    @property
    def final(self) -> bool:
        """False for refusals of the moment or of the caller, which say nothing about the parcel."""
        return self.status not in UNDECIDED_STATUSES and self.code != "idempotency_key_reused"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label as the carrier tells it; `merchant_reference` is our shipment's id."""

    tracking_number: str
    label_url: str
    merchant_reference: str = ""
    status: str = "label"


class Carrier(Protocol):
    """What shipping needs of a carrier."""

    async def label(
        self, shipment_id: UUID, *, order_id: UUID, address: Address, weight_g: int, service: str, idempotency_key: str
    ) -> Label: ...
    async def labels_of(self, shipment_id: UUID) -> Sequence[Label]: ...
    async def hand_over(self, tracking_number: str) -> Label: ...
    async def track(self, tracking_number: str) -> Label: ...


class _Labels(msgspec.Struct, frozen=True):
    items: list[Label]


class _Error(msgspec.Struct, frozen=True):
    code: str = "refused"


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class HttpCarrier:
    """The carrier over HTTP. Open it inside the loop, close it at the end; every call is bounded by `timeout_s`."""

    def __init__(self, url: str, *, breaker: CircuitBreaker, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._breaker = breaker
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        self._session = new_session()

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def label(
        self, shipment_id: UUID, *, order_id: UUID, address: Address, weight_g: int, service: str, idempotency_key: str
    ) -> Label:
        """Order a label; a repeat with the same key gets the first one."""
        body = {
            "merchant_reference": str(shipment_id),
            "order_id": str(order_id),
            "address": msgspec.to_builtins(address),
            "weight_g": weight_g,
            "service": service,
        }
        return await self._call("POST", "/v1/labels", Label, json=body, idempotency_key=idempotency_key)

    async def labels_of(self, shipment_id: UUID) -> Sequence[Label]:
        """Every label the carrier made for the shipment; more than one is a label too many."""
        return (await self._call("GET", f"/v1/labels?merchant_reference={shipment_id}", _Labels)).items

    async def hand_over(self, tracking_number: str) -> Label:
        """Give the parcel to the driver; repeating it changes nothing."""
        return await self._call("POST", "/v1/handovers", Label, json={"tracking_number": tracking_number})

    async def track(self, tracking_number: str) -> Label:
        """Where the parcel is."""
        return await self._call("GET", f"/v1/tracking/{quote(tracking_number, safe='')}", Label)

    async def _call(
        self, method: str, path: str, answer_type: type[T], *, json: object = None, idempotency_key: str = ""
    ) -> T:
        headers = {"Content-Type": "application/json"} if json is not None else {}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        tracing.inject(headers)
        body = None if json is None else msgspec.json.encode(json)
        outcome = "failed"
        try:
            async with self._breaker.guard():
                status, content = await self._exchange(method, path, headers, body)
                if status >= 500:
                    raise RemoteUnavailableError(f"the carrier answered {status}")
            outcome = "ok" if status < 400 else "refused"
        except RemoteTimeoutError:
            outcome = "timeout"
            raise
        finally:
            metrics.observe_remote_call("carrier", outcome)
        if status >= 400:
            raise CarrierRefusal(status, _code_of(content))
        try:
            return msgspec.json.decode(content, type=answer_type)
        except msgspec.DecodeError as error:
            raise RemoteUnavailableError(f"the carrier's answer cannot be read: {error}") from error

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        assert self._session is not None, "the carrier client is not open"
        try:
            async with (
                deadline.limit(self._timeout_s),
                self._session.request(
                    method, self._url + path, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await _read(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RemoteUnavailableError("the carrier cannot be reached", effect_possible=False) from error
        except TimeoutError as error:
            raise RemoteTimeoutError("the carrier did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RemoteUnavailableError(f"the carrier broke off: {type(error).__name__}") from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(content)


def _code_of(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_ErrorBody).error.code
    except msgspec.DecodeError:
        return "refused"
