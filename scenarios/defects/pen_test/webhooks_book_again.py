"""Planted: a capture that is reported again under another id is booked again."""

from typing import Any
from uuid import UUID

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.ids import derived_id
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.payments.domain import double_entry
from svc.payments.handlers.webhooks import ApplyTo, Webhook
from svc.payments.store import ledger

CARD = DefectCard(
    id="webhooks-book-again",
    title="A replayed report of a payment takes effect again",
    parts=("payments.apply_webhook",),
    root_cause="Only the event's id is compared; the same capture under another id is taken for another capture.",
    caught_by=("INV-23.webhook-replay",),
    exposed_by="A genuine report that is sent once more.",
    symptoms="The books show twice what the provider paid out, for orders of the same afternoon.",
    fix="Let one transition decide, by the payment's own state, whether a report is news.",
    origin="CWE-294; webhook guides of all providers.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A handler to which every report is news."""

    async def apply_webhook(
        uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: ApplyTo, apply_refund_outcome: ApplyTo
    ) -> str:
        outcome = await healthy(uow, stored, apply_outcome=apply_outcome, apply_refund_outcome=apply_refund_outcome)
        if stored.type == "payment.captured" and outcome == "known":
            data = msgspec.json.decode(stored.payload, type=Webhook).data
            await ledger.book(
                uow.connection,
                double_entry.Kind.CAPTURE_DUPLICATE,
                transaction_id=derived_id("webhook", stored.event_id),
                order_id=UUID(data.merchant_reference),
                amount_minor=data.amount_minor,
                currency=data.currency,
            )
        return outcome

    return apply_webhook


TWINS: Twins = {"payments.apply_webhook": twin}
