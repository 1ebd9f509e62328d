"""Planted: every copy of a webhook is news, and a refund that is told again is booked again."""

from typing import Any
from uuid import UUID

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.ids import new_id
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.payments.domain import double_entry
from svc.payments.handlers import events
from svc.payments.handlers.webhooks import ApplyTo, Webhook
from svc.payments.store import ledger, payments, refunds

CARD = DefectCard(
    id="webhook-not-deduplicated",
    title="Copies of a webhook take effect again",
    parts=("payments.record_webhook", "payments.apply_webhook"),
    root_cause="The receiver stores what comes under an id of its own and adds to sums what each one says.",
    caught_by=("INV-06",),
    exposed_by="Webhooks that come three times, and refunds of a part, which leave room for more.",
    symptoms="Refunded sums are a multiple of what the provider paid back; orders end as refunded that are not.",
    fix="The event's id is unique in the table of webhooks, and a settled refund is never settled again.",
    origin="Webhook guides of all providers: 'endpoints might receive the same event more than once'.",
)


def record_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A receiver to which every copy is an event of its own."""

    async def record_webhook(uow: UnitOfWork, body: bytes) -> bool:
        if await healthy(uow, body):
            return True
        copy: dict[str, Any] = msgspec.json.decode(body)
        return await healthy(uow, msgspec.json.encode({**copy, "id": f"{copy['id']}#{new_id()}"}))

    return record_webhook


def apply_twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A handler that adds up whatever it is told."""

    async def apply_webhook(
        uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo
    ) -> str:
        outcome = await healthy(uow, stored, apply_outcome=apply_outcome, apply_refund_outcome=apply_refund_outcome)
        if stored.type == "refund.succeeded" and outcome == "known" and "#" in stored.event_id:
            await _book_again(uow, UUID(msgspec.json.decode(stored.payload, type=Webhook).data.merchant_reference))
        return outcome

    return apply_webhook


async def _book_again(uow: UnitOfWork, refund_id: UUID) -> None:
    refund = await refunds.of_id(uow.connection, refund_id)
    assert refund is not None, "it is known"
    payment = await payments.lock(uow.connection, refund.payment_id)
    assert payment is not None, "a refund belongs to a payment"
    if not await payments.reserve_refund(uow.connection, payment.id, refund.amount_minor):
        return
    refunded_minor, version = await payments.book_refund(uow.connection, payment.id, refund.amount_minor)
    uow.publish(
        events.refunded(
            payment,
            refund_id=refund_id,
            amount_minor=refund.amount_minor,
            refunded_minor=refunded_minor,
            reason=refund.reason,
        ),
        aggregate_id=payment.id,
        aggregate_version=version,
    )
    await ledger.book(
        uow.connection,
        double_entry.Kind.REFUND,
        transaction_id=new_id(),
        order_id=payment.order_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )


TWINS: Twins = {"payments.record_webhook": record_twin, "payments.apply_webhook": apply_twin}
