"""The replaceable parts of shipping."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shared.contracts import Envelope
from shared.contracts.orders import OrderPaid
from shared.kafka_consumer import Handler
from shared.service_parts import ServiceParts
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.shipping.clients import Carrier, HttpCarrier
from svc.shipping.domain.parcels import Outcome
from svc.shipping.handlers import orders
from svc.shipping.handlers.carrying import carry
from svc.shipping.handlers.outcomes import Apply, apply_outcome
from svc.shipping.handlers.webhooks import apply_webhook, record_webhook
from svc.shipping.settings import Settings
from svc.shipping.store.shipments import Shipment


class ApplyWebhook(Protocol):
    async def __call__(
        self, uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: Apply, config: Settings
    ) -> str: ...


class SendParcel(Protocol):
    async def __call__(self, uow: UnitOfWork, envelope: Envelope[OrderPaid], *, carrier: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    carrier: type[HttpCarrier] = HttpCarrier
    """The calls to the carrier."""
    carry: Callable[[Carrier, Shipment], Awaitable[Outcome]] = carry
    """The next call for a parcel, and what its answer means."""
    apply_outcome: Apply = apply_outcome
    """The one way a parcel moves: answers, look-ups and webhooks alike."""
    record_webhook: Callable[[UnitOfWork, bytes], Awaitable[bool]] = record_webhook
    """A verified webhook stored, each event once."""
    apply_webhook: ApplyWebhook = apply_webhook
    """A stored webhook read and applied."""
    send_parcel: SendParcel = orders.send_parcel
    """order.paid: a parcel is due."""
    learn_placement: Handler = orders.learn_placement
    """inventory.reserved: at which warehouses the goods lie."""
    keep_parcel: Handler = orders.keep_parcel
    """order.cancelled: what the carrier does not have stays."""


HEALTHY = Parts()
