"""The payment provider (PSP), behind a Protocol: charge, refund, and ask what it knows.

Raises `RemoteUnavailableError` (`effect_possible` False: never arrived), `RemoteTimeoutError` (in doubt) and
`PspRefusal` (4xx: certainly no effect). Never repeats a call by itself and never decides what an answer means.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable
from urllib.parse import quote
from uuid import UUID

import aiohttp
import msgspec

from shared import deadline, metrics, tracing
from shared.circuit_breaker import CircuitBreaker
from shared.errors import RemoteTimeoutError, RemoteUnavailableError
from shared.service_client import new_session

ANSWER_BYTES_MAX = 4 * 1024 * 1024
PAGE_ITEMS = 500

T = TypeVar("T")


UNDECIDED_STATUSES = frozenset({401, 403, 408, 425, 429})


class PspRefusal(Exception):  # noqa: N818 the provider's Refusal, as seen from here
    """The PSP answered 4xx: it did not do it. `final` tells whether it never will, as asked."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code

    @property
    def final(self) -> bool:
        """False for refusals of the moment or of the caller, which say nothing about the payment."""
        return self.status not in UNDECIDED_STATUSES and self.code != "idempotency_key_reused"


class PspRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as the PSP tells it; `merchant_reference` is our refund's id."""

    id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    status: str
    payment_id: str = ""


class PspPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the PSP tells it; `merchant_reference` is our order's id, `status` one of its own words."""

    id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    status: str
    decline_code: str | None = None
    captured_minor: int = 0
    refunded_minor: int = 0
    refunds: tuple[PspRefund, ...] = ()


@runtime_checkable
class Psp(Protocol):
    """What payments needs of a provider."""

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment: ...
    async def charges_of(self, order_id: UUID) -> Sequence[PspPayment]: ...
    async def refund(
        self, refund_id: UUID, *, psp_payment_id: str, amount_minor: int, idempotency_key: str
    ) -> PspRefund: ...
    async def refunds_of(self, refund_id: UUID) -> Sequence[PspRefund]: ...
    def all_payments(self) -> AsyncIterator[Sequence[PspPayment]]: ...


class _Items(msgspec.Struct, frozen=True):
    items: list[PspPayment]
    next: str | None = None


class _RefundItems(msgspec.Struct, frozen=True):
    items: list[PspRefund]


class _Error(msgspec.Struct, frozen=True):
    code: str = "refused"


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class HttpPsp:
    """The PSP over HTTP. Open it inside the loop, close it at the end; every call is bounded by `timeout_s`."""

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

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment:
        """Authorise and capture at once; a repeat with the same key gets the first answer."""
        return await self._call(
            "POST",
            "/v1/payments",
            PspPayment,
            idempotency_key=idempotency_key,
            json={
                "merchant_reference": str(order_id),
                "amount_minor": amount_minor,
                "currency": currency,
                "payment_method": payment_method,
                "capture": True,
            },
        )

    async def charges_of(self, order_id: UUID) -> Sequence[PspPayment]:
        """Every payment the PSP knows of the order; more than one is a double charge."""
        return (await self._call("GET", f"/v1/payments?merchant_reference={order_id}", _Items)).items

    async def refund(
        self, refund_id: UUID, *, psp_payment_id: str, amount_minor: int, idempotency_key: str
    ) -> PspRefund:
        """Give back from a captured payment; a repeat with the same key gets the first answer."""
        return await self._call(
            "POST",
            f"/v1/payments/{quote(psp_payment_id, safe='')}/refunds",
            PspRefund,
            idempotency_key=idempotency_key,
            json={"amount_minor": amount_minor, "merchant_reference": str(refund_id)},
        )

    async def refunds_of(self, refund_id: UUID) -> Sequence[PspRefund]:
        """Every refund the PSP knows under our refund's id."""
        return (await self._call("GET", f"/v1/refunds?merchant_reference={refund_id}", _RefundItems)).items

    async def all_payments(self) -> AsyncIterator[Sequence[PspPayment]]:
        """Everything the PSP knows, page by page, oldest first."""
        after = ""
        while True:
            page = await self._call("GET", f"/v1/payments?limit={PAGE_ITEMS}&after={quote(after, safe='')}", _Items)
            yield page.items
            if page.next is None:
                return
            after = page.next

    async def _call(
        self,
        method: str,
        path: str,
        answer_type: type[T],
        *,
        json: object = None,
        idempotency_key: str = "",
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
                    raise RemoteUnavailableError(f"the PSP answered {status}")
            outcome = "ok" if status < 400 else "refused"
        except RemoteTimeoutError:
            outcome = "timeout"
            raise
        finally:
            metrics.observe_remote_call("psp", outcome)
        if status >= 400:
            raise PspRefusal(status, _code_of(content))
        try:
            return msgspec.json.decode(content, type=answer_type)
        except msgspec.DecodeError as error:
            raise RemoteUnavailableError(f"the PSP's answer cannot be read: {error}") from error

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        assert self._session is not None, "the PSP client is not open"
        try:
            async with (
                deadline.limit(self._timeout_s),
                self._session.request(
                    method, self._url + path, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await _read(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RemoteUnavailableError("the PSP cannot be reached", effect_possible=False) from error
        except TimeoutError as error:
            raise RemoteTimeoutError("the PSP did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RemoteUnavailableError(f"the PSP broke off: {type(error).__name__}") from error


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
