"""The work of shipping beside requests and events: labels and hand-overs, stored webhooks.

Each job claims in a transaction, calls the carrier outside of any, and stores what came of it in another.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared import webhook_inbox
from shared.database import Database
from shared.jobs_queue import Periodic
from shared.lanes import Lanes
from shared.tracing import span
from svc.shipping.clients import Carrier
from svc.shipping.domain import Outcome
from svc.shipping.handlers.outcomes import Apply, Effect
from svc.shipping.handlers.webhooks import apply_webhook
from svc.shipping.settings import Settings
from svc.shipping.store import shipments
from svc.shipping.store.shipments import Shipment

log = structlog.get_logger(__name__)

Carry = Callable[[Carrier, Shipment], Awaitable[Outcome]]


class ParcelDesk:
    """Labels and hands over what is due, several parcels beside each other."""

    def __init__(self, database: Database, carrier: Carrier, *, carry: Carry, apply: Apply, settings: Settings) -> None:
        self._database = database
        self._carrier = carrier
        self._carry = carry
        self._apply = apply
        self._settings = settings
        self.lanes = Lanes("parcel", claim=self._claim, serve=self._serve, lanes_max=settings.lanes_max)
        self.job = Periodic("carry_parcels", settings.poll_interval_s, self.lanes.work)

    async def _claim(self, lanes: int) -> Sequence[Shipment]:
        async with self._database.begin() as uow:
            return await shipments.claim_due(uow.connection, rows_max=lanes, lease_s=self._settings.lease_s)

    async def _serve(self, shipment: Shipment) -> None:
        with span(f"carrier {shipment.status}", kind="client", parent=shipment.traceparent or ""):
            outcome = await self._carry(self._carrier, shipment)
            async with self._database.begin() as uow:
                effect = await self._apply(uow, shipment.id, outcome, config=self._settings)
            log.info("parcel", shipment_id=shipment.id, outcome=type(outcome).__name__, effect=effect.value)
        if effect in {Effect.WAITS, Effect.MOVED}:
            self.job.wake()


def webhook_applier(database: Database, settings: Settings) -> Periodic:
    """Applies the carrier's stored webhooks."""
    return webhook_inbox.applier(database, apply_webhook, every_s=settings.poll_interval_s)
