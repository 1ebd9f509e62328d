"""The work of shipping beside requests and events: labels and hand-overs, stored webhooks."""

from functools import partial

from shared.database import Database
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import WebhookWork
from shared.work_table import Verdict, WorkEngine
from svc.shipping.clients import Carrier
from svc.shipping.domain.parcels import Outcome
from svc.shipping.handlers.outcomes import Effect
from svc.shipping.parts import Parts
from svc.shipping.settings import Settings
from svc.shipping.store import shipments
from svc.shipping.store.shipments import Shipment

VERDICTS = {
    Effect.MOVED: Verdict.NEXT,
    Effect.WAITS: Verdict.RETRY,
    Effect.KNOWN: Verdict.DONE,
    Effect.REVIEW: Verdict.REVIEW,
}


class ParcelWork(WorkEngine[Shipment, Outcome]):
    """Labels and hands over what is due, and asks about what is in doubt."""

    def __init__(self, database: Database, carrier: Carrier, parts: Parts, settings: Settings) -> None:
        super().__init__("carry_parcels", database, shipments.WORK, settings.pace)
        self._carrier = carrier
        self._parts = parts
        self._settings = settings

    async def perform(self, item: Shipment) -> Outcome:
        return await self._parts.carry(self._carrier, item)

    async def record(self, uow: UnitOfWork, item: Shipment, outcome: Outcome) -> Verdict:
        return VERDICTS[await self._parts.apply_outcome(uow, item.id, outcome, config=self._settings)]

    def trace_of(self, item: Shipment) -> tuple[str, str]:
        return f"carrier {item.status}", item.traceparent or ""


def webhook_work(database: Database, parts: Parts, settings: Settings) -> WebhookWork:
    """Applies the carrier's stored webhooks through the same transitions as its answers."""
    apply = partial(parts.apply_webhook, apply_outcome=parts.apply_outcome, config=settings)
    return WebhookWork(database, apply, settings.pace)
