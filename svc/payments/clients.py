"""The payment provider (PSP) and the source of exchange rates beside it, each behind a Protocol.

The PSP charges, refunds, and is asked what it knows. Both raise `RemoteUnavailableError` (`effect_possible` False:
never arrived), `RemoteTimeoutError` (in doubt) and `PartnerRefusal` (4xx: certainly no effect). They never repeat a
call by themselves and never decide what an answer means.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Protocol, runtime_checkable
from urllib.parse import quote
from uuid import UUID

import msgspec

from shared.circuit_breaker import CircuitBreaker
from shared.currencies import Currency
from shared.exchange_rates import RATE_CHARACTERS_MAX, RATE_PATTERN
from shared.partner_client import PartnerClient
from shared.validated import Token, matching
from svc.payments.domain import DisputeStatus

ANSWER_BYTES_MAX = 4 * 1024 * 1024
PAGE_ITEMS = 500
RATE_BYTES_MAX = 16 * 1024


class PspRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as the PSP tells it; `merchant_reference` is our refund's id."""

    id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    status: str
    payment_id: str = ""


class PspDispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute about a payment as the PSP tells it."""

    id: str
    amount_minor: int
    reason: str
    status: DisputeStatus


class PspPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the PSP tells it; `merchant_reference` is our order's id, `status` one of its own words.

    `authorised_until` is when it lets go of what it only holds, in epoch seconds.
    """

    id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    status: str
    decline_code: str | None = None
    authorised_until: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    refunds: tuple[PspRefund, ...] = ()
    disputes: tuple[PspDispute, ...] = ()


class PspMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A card as the PSP tells it: what it is known by, never its number."""

    token: Token
    brand: Annotated[str, matching(r"[a-z_]+", 40)]
    last4: Annotated[str, matching(r"[0-9]{4}", 4)]


class ExchangeRate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate as the exchange tells it, under its own name: so many `quote` for one `base`."""

    id: Token
    base: Currency
    quote: Currency
    rate: Annotated[str, matching(RATE_PATTERN, RATE_CHARACTERS_MAX)]


@runtime_checkable
class Exchange(Protocol):
    """What payments needs of a source of exchange rates."""

    async def rate(self, base: str, target: str) -> ExchangeRate: ...


@runtime_checkable
class Psp(Protocol):
    """What payments needs of a provider."""

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment: ...
    async def authorise(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment: ...
    async def capture(self, psp_payment_id: str, *, amount_minor: int, idempotency_key: str) -> PspPayment: ...
    async def void(self, psp_payment_id: str, *, idempotency_key: str) -> PspPayment: ...
    async def method(self, token: str) -> PspMethod: ...
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


class HttpPsp:
    """The PSP over HTTP. Open it inside the loop, close it at the end; every call is bounded by `timeout_s`."""

    def __init__(self, url: str, *, breaker: CircuitBreaker, timeout_s: float) -> None:
        self._partner = PartnerClient(
            "psp", url, breaker=breaker, timeout_s=timeout_s, answer_bytes_max=ANSWER_BYTES_MAX
        )

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        await self._partner.open()

    async def close(self) -> None:
        """Drop the connections."""
        await self._partner.close()

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment:
        """Authorise and capture at once; a repeat with the same key gets the first answer."""
        body = _payment(order_id, amount_minor, currency, payment_method)
        return await self._create({**body, "capture": True}, idempotency_key)

    async def authorise(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment:
        """Have the money held, not taken; a repeat with the same key gets the first answer."""
        body = _payment(order_id, amount_minor, currency, payment_method)
        return await self._create({**body, "capture": False}, idempotency_key)

    async def capture(self, psp_payment_id: str, *, amount_minor: int, idempotency_key: str) -> PspPayment:
        """Take what is held; a repeat with the same key gets the first answer."""
        return await self._partner.call(
            "POST",
            f"/v1/payments/{quote(psp_payment_id, safe='')}/capture",
            PspPayment,
            idempotency_key=idempotency_key,
            json={"amount_minor": amount_minor},
        )

    async def void(self, psp_payment_id: str, *, idempotency_key: str) -> PspPayment:
        """Let go of what is held; a repeat with the same key gets the first answer."""
        return await self._partner.call(
            "POST",
            f"/v1/payments/{quote(psp_payment_id, safe='')}/void",
            PspPayment,
            idempotency_key=idempotency_key,
        )

    async def method(self, token: str) -> PspMethod:
        """The card behind a token."""
        return await self._partner.call("GET", f"/v1/payment-methods/{quote(token, safe='')}", PspMethod)

    async def charges_of(self, order_id: UUID) -> Sequence[PspPayment]:
        """Every payment the PSP knows of the order; more than one is a double charge."""
        return (await self._partner.call("GET", f"/v1/payments?merchant_reference={order_id}", _Items)).items

    async def refund(
        self, refund_id: UUID, *, psp_payment_id: str, amount_minor: int, idempotency_key: str
    ) -> PspRefund:
        """Give back from a captured payment; a repeat with the same key gets the first answer."""
        return await self._partner.call(
            "POST",
            f"/v1/payments/{quote(psp_payment_id, safe='')}/refunds",
            PspRefund,
            idempotency_key=idempotency_key,
            json={"amount_minor": amount_minor, "merchant_reference": str(refund_id)},
        )

    async def refunds_of(self, refund_id: UUID) -> Sequence[PspRefund]:
        """Every refund the PSP knows under our refund's id."""
        return (await self._partner.call("GET", f"/v1/refunds?merchant_reference={refund_id}", _RefundItems)).items

    async def all_payments(self) -> AsyncIterator[Sequence[PspPayment]]:
        """Everything the PSP knows, page by page, oldest first."""
        after = ""
        while True:
            page = await self._partner.call(
                "GET", f"/v1/payments?limit={PAGE_ITEMS}&after={quote(after, safe='')}", _Items
            )
            yield page.items
            if page.next is None:
                return
            after = page.next

    async def _create(self, body: dict[str, object], idempotency_key: str) -> PspPayment:
        return await self._partner.call("POST", "/v1/payments", PspPayment, idempotency_key=idempotency_key, json=body)


class HttpExchange:
    """The exchange over HTTP. Open it inside the loop, close it at the end; every call is bounded by `timeout_s`."""

    def __init__(self, url: str, *, breaker: CircuitBreaker, timeout_s: float) -> None:
        self._partner = PartnerClient(
            "exchange", url, breaker=breaker, timeout_s=timeout_s, answer_bytes_max=RATE_BYTES_MAX
        )

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        await self._partner.open()

    async def close(self) -> None:
        """Drop the connections."""
        await self._partner.close()

    async def rate(self, base: str, target: str) -> ExchangeRate:
        """The rate of now; asking again may bring another. Raises what `PartnerClient.call` raises."""
        return await self._partner.call("GET", f"/v1/exchange-rates?base={base}&quote={target}", ExchangeRate)


def _payment(order_id: UUID, amount_minor: int, currency: str, payment_method: str) -> dict[str, object]:
    return {
        "merchant_reference": str(order_id),
        "amount_minor": amount_minor,
        "currency": currency,
        "payment_method": payment_method,
    }
