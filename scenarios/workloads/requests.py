"""What customers and staff ask of the shop, as values: the bytes to send, and what stands of them in the history.

Whoever sends them, and how, is somebody else's matter; `judged` says what an answer means.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final

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


class Judged(msgspec.Struct, frozen=True):
    """What an answer means. `again` says that asking again, with the same key, is what an honest client does.

    `value` is what stands in the history of it, `error` why it is not `ok`, `code` the refusal's.
    """

    type: RecordType
    again: bool = False
    error: str = ""
    code: str = ""
    value: Any = None


def judged(request: Request, answered: Answered) -> Judged:
    """Definite where the contract makes it so; a 5xx on a write may have happened."""
    if answered.status == ASKED_FOR:
        return Judged("info", again=True, error="asked for")
    if answered.status in (200, 201):
        return Judged("ok", value=request.decode_answer(answered))
    code = answered.code or str(answered.status)
    if (answered.status == 409 and code == IN_FLIGHT_CODE) or (
        answered.status in (429, 503) and code in NO_EFFECT_CODES
    ):
        return Judged("fail", again=True, error=code, code=code)
    if answered.status >= 500:
        return Judged("info", again=True, error=code, code=code)
    value = OrderAnswer(status_code=answered.status, replayed=answered.replayed, answer_sha256=answered.digest)
    return Judged("fail", error=code, code=code, value=value)


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
