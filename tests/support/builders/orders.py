"""Bodies, principals and facts for tests of orders."""

from typing import Any
from uuid import UUID, uuid4

from shared.contracts import Event
from shared.contracts.inventory import InventoryRejected, InventoryReleased
from shared.contracts.payments import (
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
    RefundReversed,
)
from shared.contracts.shipping import ShipmentFact
from shared.identity import Principal
from tests.support.services import until

BUYERS_PATIENCE_S = 90.0
ASK_AGAIN_S = 0.2
ADDRESS = {"name": "A. Buyer", "line1": "1 Market Street", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}


def customer(customer_id: UUID | None = None) -> Principal:
    subject = str(customer_id or uuid4())
    return Principal(subject=subject, roles=frozenset({"customer"}), email=f"{subject[:8]}@example.com", session="s")


def body(*items: tuple[str, int], **more: Any) -> dict[str, Any]:
    wanted = {"payment_method": "tok_visa", "shipping_address": ADDRESS, **more}
    if items:
        wanted["items"] = [{"sku": sku, "quantity": quantity} for sku, quantity in items]
    return wanted


async def place(service: Any, buyer: Principal, *items: tuple[str, int], key: str | None = None, **more: Any):
    """Status and body of one POST /api/v1/orders."""
    return await service.call(
        "POST",
        "/api/v1/orders",
        principal=buyer,
        headers={"Idempotency-Key": key or uuid4().hex},
        json=body(*items, **more),
    )


async def buy(service: Any, buyer: Principal, *items: tuple[str, int], key: str | None = None, **more: Any):
    """Status and body of the definite answer: the same request again, with its key, until there is one."""
    key = key or uuid4().hex

    async def asked():
        status, answer = await place(service, buyer, *items, key=key, **more)
        unknown = status in {503, 504} and answer["code"] != "stock_unreachable"  # which is final, and stored
        return None if unknown or answer.get("code") == "request_in_flight" else (status, answer)

    return await until(asked, deadline_s=BUYERS_PATIENCE_S, every_s=ASK_AGAIN_S)


def fact(kind: type[Event], order: dict[str, Any], buyer: Principal, **more: Any) -> Event:
    """An event of another service about an order as its POST answered it."""
    common: dict[str, Any] = {
        "order_id": UUID(order["id"]),
        "customer_id": UUID(buyer.subject),
    }
    if kind in (InventoryRejected, InventoryReleased):
        return kind(**{**common, "reservation_id": UUID(order["id"]), "lines": [], "reason": "released", **more})
    common |= {"email": buyer.email or "", "order_number": order["number"]}
    if issubclass(kind, ShipmentFact):
        return kind(**{**common, "shipment_id": uuid4(), "carrier": "c", "tracking_number": "T1", **more})
    total = minor(order["total"])
    common |= {"payment_id": uuid4(), "amount_minor": total, "currency": order["total"]["currency"]}
    if kind is PaymentProcessed:
        common["psp_payment_id"] = "psp_1"
    if kind is PaymentFailed:
        common["reason"] = "declined"
    if kind is PaymentRefunded:
        common |= {"refund_id": uuid4(), "refunded_minor": total, "reason": "test"}
    if kind is PaymentRefundFailed:
        common |= {"refund_id": uuid4(), "reason": "declined"}
    if kind is RefundReversed:
        common |= {"reversed_minor": total}
    if kind is PaymentDisputed:
        common |= {"dispute_id": uuid4(), "reason": "fraudulent", "status": "opened"}
    return kind(**{**common, **more})


def minor(wire: dict[str, str]) -> int:
    """Minor units of a two-decimal currency."""
    return int(wire["amount"].replace(".", ""))
