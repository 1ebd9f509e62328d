"""A client of the shop that writes the history: what was asked, before its bytes leave, and what came back.

`ok` and `fail` are definite; a time-out, a reset or a 5xx on a write is `info`, it may have happened. Whoever never
learned asks again with the same key.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import aiohttp
import msgspec

from scenarios.history import (
    CANCEL_ORDER,
    CLEAR_CART,
    EDIT_PRODUCT,
    MERGE_CART,
    PLACE_ORDER,
    PREVIEW_ORDER,
    RECEIVE_STOCK,
    REFUND,
    RETURNED,
    CancelAttempt,
    CartAnswer,
    CartAttempt,
    EditAnswer,
    EditAttempt,
    HistoryWriter,
    Invocation,
    OrderAnswer,
    OrderAttempt,
    PreviewAnswer,
    PreviewAttempt,
    ReceiptAnswer,
    ReceiptAttempt,
    RecordType,
    RefundAnswer,
    RefundAttempt,
    WantedLine,
)
from scenarios.workloads.market import COUNTRY, Person, address_in
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
NO_EFFECT_CODES: Final = frozenset({"overloaded", "rate_limited", "too_many_requests", "circuit_open"})
"""5xx and 429 answers whose contract says that the request was not begun."""
ASKED_FOR: Final = 202
"""Taken note of, and not done yet: it may happen. Asking again tells."""
IN_FLIGHT_CODE: Final = "request_in_flight"


class Charge(msgspec.Struct, frozen=True):
    """The captured payment of an order."""

    payment_id: str
    order_id: str
    amount: Money


class Answered(msgspec.Struct, frozen=True):
    """An answer as it came over the wire."""

    status: int
    content: bytes
    replayed: bool
    trace_id: str

    @property
    def code(self) -> str:
        """The stable code of a refusal, "" when the body has none."""
        try:
            return msgspec.json.decode(self.content, type=_Problem).code
        except msgspec.DecodeError:
            return ""

    @property
    def digest(self) -> str:
        """Names the body: equal bodies, equal digests."""
        return digest(self.content)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One write of one customer. `attempt`, and what `decode_answer` makes of the answer, stand in the history."""

    function: str
    path: str
    token: str
    key: str = ""
    body: bytes = b""
    method: str = "POST"
    if_match: str = ""
    attempt: Any
    decode_answer: Callable[[Answered], Any]


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
        if answered.status == ASKED_FOR:
            return AttemptResult(
                "info", self._history.info(invocation, error="asked for", trace_id=trace_id), again=True
            )
        if answered.status in (200, 201):
            value = request.decode_answer(answered)
            self._history.ok(invocation, value=value, trace_id=trace_id)
            return AttemptResult("ok", process, again=False, value=value)
        code = answered.code or str(answered.status)
        if (answered.status == 409 and code == IN_FLIGHT_CODE) or (
            answered.status in (429, 503) and code in NO_EFFECT_CODES
        ):
            self._history.fail(invocation, error=code, trace_id=trace_id)
            return AttemptResult("fail", process, again=True, code=code)
        if answered.status >= 500:
            return AttemptResult(
                "info", self._history.info(invocation, error=code, trace_id=trace_id), again=True, code=code
            )
        value = OrderAnswer(status_code=answered.status, replayed=answered.replayed, answer_sha256=answered.digest)
        self._history.fail(invocation, error=code, value=value, trace_id=trace_id)
        return AttemptResult("fail", process, again=False, code=code)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def preview_order(
    person: Person, *, lines: tuple[WantedLine, ...], currency: str, country: str = COUNTRY, coupon: str = ""
) -> Request:
    """Look at the total in another currency than that of the goods, and get a quote with it."""
    wish: dict[str, Any] = {
        "items": _items(lines),
        "country": country,
        "currency": currency,
    }
    if coupon:
        wish["coupon"] = coupon
    return Request(
        function=PREVIEW_ORDER,
        path="/orders/preview",
        token=person.access_token,
        body=msgspec.json.encode(wish),
        attempt=PreviewAttempt(customer_id=person.user_id, lines=lines, currency=currency),
        decode_answer=_preview_answer,
    )


def place_order(
    person: Person,
    *,
    key: str,
    lines: tuple[WantedLine, ...],
    payment_method: str = "tok_visa",
    country: str = COUNTRY,
    coupon: str = "",
    from_cart: bool = False,
    quote_id: str = "",
) -> Request:
    """Buy the lines now, or `from_cart` the cart into which they were brought; at what a quote promised, if any did."""
    wish: dict[str, Any] = {"payment_method": payment_method, "shipping_address": address_in(country)}
    if not from_cart:
        wish["items"] = _items(lines)
    if coupon:
        wish["coupon"] = coupon
    if quote_id:
        wish["quote_id"] = quote_id
    body = msgspec.json.encode(wish)
    return Request(
        function=PLACE_ORDER,
        path="/orders",
        token=person.access_token,
        key=key,
        body=body,
        attempt=OrderAttempt(
            customer_id=person.user_id,
            lines=lines,
            payment_method=payment_method,
            coupon=coupon,
            fingerprint=digest(body),
            from_cart=from_cart,
            quote_id=quote_id,
        ),
        decode_answer=_order_answer,
    )


def clear_cart(person: Person) -> Request:
    """Take everything out."""
    return Request(
        function=CLEAR_CART,
        path="/cart",
        token=person.access_token,
        method="DELETE",
        attempt=CartAttempt(customer_id=person.user_id),
        decode_answer=_cart_answer,
    )


def merge_cart(person: Person, lines: tuple[WantedLine, ...]) -> Request:
    """Log in with a guest's cart; repeating it changes nothing."""
    return Request(
        function=MERGE_CART,
        path="/cart/merge",
        token=person.access_token,
        body=msgspec.json.encode({"items": _items(lines)}),
        attempt=CartAttempt(customer_id=person.user_id, lines=lines),
        decode_answer=_cart_answer,
    )


def receive_stock(staff: Person, sku: str, *, quantity: int, reference: str) -> Request:
    """Book goods in; repeating the reference changes nothing."""
    attempt = ReceiptAttempt(sku=sku, quantity=quantity, reference=reference)
    return Request(
        function=RECEIVE_STOCK,
        path="/stock/receipts",
        token=staff.access_token,
        body=msgspec.json.encode(attempt),
        attempt=attempt,
        decode_answer=_receipt_answer,
    )


def cancel_order(person: Person, order_id: str) -> Request:
    """Changed their mind; repeating it changes nothing."""
    return Request(
        function=CANCEL_ORDER,
        path=f"/orders/{order_id}/cancel",
        token=person.access_token,
        body=b'{"reason":"changed my mind"}',
        attempt=CancelAttempt(customer_id=person.user_id, order_id=order_id),
        decode_answer=_order_answer,
    )


def refund(staff: Person, charge: Charge, *, key: str, amount_minor: int = 0) -> Request:
    """Support gives part of the money back, or everything that is left when no amount is given."""
    wish: dict[str, Any] = {"reason": "goodwill" if amount_minor else RETURNED}
    if amount_minor:
        wish["amount"] = Money(amount_minor, charge.amount.currency).to_wire()
    body = msgspec.json.encode(wish)
    return Request(
        function=REFUND,
        path=f"/payments/{charge.payment_id}/refunds",
        token=staff.access_token,
        key=key,
        body=body,
        attempt=RefundAttempt(
            order_id=charge.order_id,
            payment_id=charge.payment_id,
            amount_minor=amount_minor,
            currency=charge.amount.currency,
            customer_id=staff.user_id,
            fingerprint=digest(body),
        ),
        decode_answer=_refund_answer,
    )


def reprice(editor: Person, product_id: str, sku: str, *, price: Money, from_version: int) -> Request:
    """Somebody of the shop gives a variant another price; refused when the product was changed meanwhile."""
    return Request(
        function=EDIT_PRODUCT,
        path=f"/products/{product_id}/variants/{sku}",
        token=editor.access_token,
        body=msgspec.json.encode({"options": {"size": "M"}, "prices": [price.to_wire()]}),
        method="PUT",
        if_match=f'"{from_version}"',
        attempt=EditAttempt(
            product_id=product_id,
            sku=sku,
            price_minor=price.amount_minor,
            currency=price.currency,
            from_version=from_version,
        ),
        decode_answer=_edit_answer,
    )


class _Product(msgspec.Struct):
    version: int


class _Cart(msgspec.Struct):
    lines: list[WantedLine]


class _Refund(msgspec.Struct):
    id: str
    amount: MoneyWire


class _Order(msgspec.Struct):
    id: str
    status: str
    total: MoneyWire
    discount: MoneyWire | None = None


class _Conversion(msgspec.Struct):
    quote_id: str


class _Preview(msgspec.Struct):
    total: MoneyWire
    conversion: _Conversion


class _Problem(msgspec.Struct):
    code: str = ""


def _order_answer(answered: Answered) -> OrderAnswer:
    order = msgspec.json.decode(answered.content, type=_Order)
    return OrderAnswer(
        status_code=answered.status,
        order_id=order.id,
        status=order.status,
        total_minor=_minor(order.total),
        discount_minor=_minor(order.discount) if order.discount else 0,
        currency=order.total.currency,
        replayed=answered.replayed,
        answer_sha256=answered.digest,
    )


def _preview_answer(answered: Answered) -> PreviewAnswer:
    shown = msgspec.json.decode(answered.content, type=_Preview)
    return PreviewAnswer(
        quote_id=shown.conversion.quote_id, total_minor=_minor(shown.total), currency=shown.total.currency
    )


def _refund_answer(answered: Answered) -> RefundAnswer:
    result = msgspec.json.decode(answered.content, type=_Refund)
    return RefundAnswer(
        status_code=answered.status,
        refund_id=result.id,
        amount_minor=_minor(result.amount),
        currency=result.amount.currency,
        replayed=answered.replayed,
        answer_sha256=answered.digest,
    )


def _edit_answer(answered: Answered) -> EditAnswer:
    return EditAnswer(
        status_code=answered.status,
        version=msgspec.json.decode(answered.content, type=_Product).version,
        answer_sha256=answered.digest,
    )


def _cart_answer(answered: Answered) -> CartAnswer:
    cart = msgspec.json.decode(answered.content, type=_Cart)
    return CartAnswer(status_code=answered.status, lines=tuple(cart.lines))


def _receipt_answer(answered: Answered) -> ReceiptAnswer:
    return ReceiptAnswer(status_code=answered.status)


def _items(lines: tuple[WantedLine, ...]) -> list[dict[str, Any]]:
    return [{"sku": line.sku, "quantity": line.quantity} for line in lines]


def _minor(wire: MoneyWire) -> int:
    return Money.from_wire(wire).amount_minor
