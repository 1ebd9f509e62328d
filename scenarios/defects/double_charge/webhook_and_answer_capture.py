"""Planted: the answer of the provider books a capture, and its webhook books it too."""

from typing import Any
from uuid import UUID

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.ids import derived_id
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.payments.domain import Captured, double_entry, payment_id_of
from svc.payments.handlers.webhooks import ApplyTo, Webhook
from svc.payments.store import ledger, payments

CARD = DefectCard(
    id="webhook-and-answer-capture",
    title="Answer and webhook both book the capture",
    parts=("payments.apply_webhook",),
    root_cause="Two paths lead to 'captured', each with a transition and a ledger entry of its own.",
    caught_by=("INV-06",),
    exposed_by="Any charge whose answer comes before its webhook, which is nearly all of them.",
    symptoms="The ledger holds twice what the provider paid out; statements show the order twice, the bank once.",
    fix="One transition for answers, webhooks and look-ups, under the payment's row lock, with unique entries beneath.",
    origin="Payment integrations that fulfil in the return URL and in the webhook.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A webhook handler that books what it is told, known or not."""

    async def apply_webhook(
        uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo
    ) -> str:
        outcome = await healthy(uow, stored, apply_outcome=apply_outcome, apply_refund_outcome=apply_refund_outcome)
        if stored.type == "payment.captured" and outcome == "known":
            await _book_again(uow, msgspec.json.decode(stored.payload, type=Webhook))
        return outcome

    return apply_webhook


async def _book_again(uow: UnitOfWork, webhook: Webhook) -> None:
    data, order_id = webhook.data, UUID(webhook.data.merchant_reference)
    captured = Captured(data.payment_id, data.amount_minor, data.currency)
    if not await payments.take_over_capture(uow.connection, payment_id_of(order_id), captured):
        return
    await ledger.book(
        uow.connection,
        double_entry.Kind.CAPTURE_DUPLICATE,
        transaction_id=derived_id("webhook", webhook.id),
        order_id=order_id,
        amount_minor=data.amount_minor,
        currency=data.currency,
    )


TWINS: Twins = {"payments.apply_webhook": twin}
