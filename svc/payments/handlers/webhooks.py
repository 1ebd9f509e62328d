"""What the PSP tells by itself: stored first, applied after, in any order and any number of copies."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import structlog

from shared import webhook_inbox
from shared.errors import Kind, Refusal
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.payments.domain import (
    Authorised,
    Captured,
    Decision,
    Declined,
    DisputeStatus,
    DisputeTold,
    Refunded,
    Step,
    UnknownPayment,
    UnknownRefund,
    Voided,
    payment_id_of,
)
from svc.payments.handlers.disputes import apply_dispute

DISPUTES = {f"dispute.{status}": status for status in DisputeStatus}

log = structlog.get_logger(__name__)

ApplyTo = Callable[[UnitOfWork, UUID, Any], Awaitable[Decision]]
"""The one transition of a payment or refund, with the patience it needs."""


class InvalidWebhook(Refusal):
    code = "invalid_webhook"
    kind = Kind.INVALID


class WebhookData(msgspec.Struct, frozen=True, kw_only=True):
    """What the event is about; for refunds `merchant_reference` is the refund's id, else the order's."""

    payment_id: str = ""
    merchant_reference: str = ""
    amount_minor: int = 0
    currency: str = ""
    decline_code: str = ""
    refund_id: str = ""
    authorised_until: int = 0
    dispute_id: str = ""
    reason: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a PSP webhook; unknown members are ignored."""

    id: str
    type: str
    created: int = 0
    data: WebhookData


async def record_webhook(uow: UnitOfWork, body: bytes) -> bool:
    """Store a webhook whose signature was verified; False when the event came before. Raises `InvalidWebhook`."""
    webhook = _decoded(body)
    if not 1 <= len(webhook.id) <= 200:
        raise InvalidWebhook("the event has no usable id")
    return await webhook_inbox.insert(
        uow.connection,
        event_id=webhook.id,
        event_type=webhook.type[:100],
        payload=body.decode(),
        traceparent=current_traceparent(),
    )


async def apply_webhook(
    uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo
) -> str:
    """Let a stored webhook take effect through the same transitions as an answer; gives what became of it."""
    webhook = _decoded(stored.payload.encode())
    outcome = await _apply(uow, webhook, apply_outcome, apply_refund_outcome)
    await webhook_inbox.finish(uow.connection, stored.event_id, outcome)
    if outcome not in {"applied", "known"}:
        log.warning("webhook_not_applied", event_id=stored.event_id, type=stored.type, outcome=outcome)
    return outcome


async def _apply(uow: UnitOfWork, webhook: Webhook, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo) -> str:
    data = webhook.data
    try:
        reference = UUID(data.merchant_reference)
    except ValueError:
        return "unknown_reference"
    try:
        match webhook.type:
            case "payment.captured":
                captured = Captured(data.payment_id, data.amount_minor, data.currency)
                decision = await apply_outcome(uow, payment_id_of(reference), captured)
            case "payment.authorised":
                authorised = Authorised(data.payment_id, data.amount_minor, data.currency, data.authorised_until)
                decision = await apply_outcome(uow, payment_id_of(reference), authorised)
            case "payment.voided" | "payment.expired":
                decision = await apply_outcome(uow, payment_id_of(reference), Voided(data.payment_id))
            case "payment.declined":
                declined = Declined(data.decline_code or "declined")
                decision = await apply_outcome(uow, payment_id_of(reference), declined)
            case "refund.succeeded":
                refunded = Refunded(data.refund_id, data.amount_minor, data.currency)
                decision = await apply_refund_outcome(uow, reference, refunded)
            case kind if kind in DISPUTES:
                decision = await apply_dispute(uow, reference, _dispute_of(data, DISPUTES[kind]))
            case _:
                return "ignored"
    except (UnknownPayment, UnknownRefund):
        return "unknown_reference"
    if decision.step is Step.REVIEW:
        return "review"
    return "known" if decision.step is Step.NOTHING else "applied"


def _dispute_of(data: WebhookData, status: DisputeStatus) -> DisputeTold:
    return DisputeTold(
        psp_dispute_id=data.dispute_id,
        psp_payment_id=data.payment_id,
        amount_minor=data.amount_minor,
        currency=data.currency,
        reason=data.reason[:200],
        status=status,
    )


def _decoded(body: bytes) -> Webhook:
    try:
        body.decode()
        return msgspec.json.decode(body, type=Webhook)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidWebhook("the event cannot be read") from error
