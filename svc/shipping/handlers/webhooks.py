"""What the carrier tells by itself: stored first, applied after, in any order and any number of copies."""

import msgspec
import structlog

from shared import webhook_inbox
from shared.errors import Kind, Refusal
from shared.tracing import current_traceparent
from shared.unit_of_work import UnitOfWork
from shared.webhook_inbox import StoredWebhook
from svc.shipping.domain.parcels import Reported, ShipmentStatus
from svc.shipping.handlers.outcomes import Apply, Effect
from svc.shipping.settings import Settings
from svc.shipping.store import shipments

STATUS_OF_TYPE = {
    "shipment.handed_over": ShipmentStatus.HANDED_OVER,
    "shipment.in_transit": ShipmentStatus.IN_TRANSIT,
    "shipment.delivered": ShipmentStatus.DELIVERED,
    "shipment.lost": ShipmentStatus.LOST,
    "shipment.returned": ShipmentStatus.RETURNED,
}

log = structlog.get_logger(__name__)


class InvalidWebhook(Refusal):
    code = "invalid_webhook"
    kind = Kind.INVALID


class WebhookData(msgspec.Struct, frozen=True, kw_only=True):
    """Which parcel the event is about."""

    tracking_number: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a carrier webhook; unknown members are ignored."""

    id: str
    type: str
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


async def apply_webhook(uow: UnitOfWork, stored: StoredWebhook, *, apply_outcome: Apply, config: Settings) -> str:
    """Let a stored webhook take effect through the same transitions as an answer; gives what became of it."""
    outcome = await _apply(uow, _decoded(stored.payload.encode()), apply_outcome, config)
    await webhook_inbox.finish(uow.connection, stored.event_id, outcome)
    if outcome not in {Effect.MOVED, Effect.KNOWN}:
        log.warning("webhook_not_applied", event_id=stored.event_id, type=stored.type, outcome=outcome)
    return outcome


async def _apply(uow: UnitOfWork, webhook: Webhook, apply_outcome: Apply, config: Settings) -> str:
    status = STATUS_OF_TYPE.get(webhook.type)
    if status is None:
        return "ignored"
    shipment = await shipments.lock_of_tracking(uow.connection, webhook.data.tracking_number)
    if shipment is None:
        return "unknown_reference"
    return (await apply_outcome(uow, shipment.id, Reported(status), config=config)).value


def _decoded(body: bytes) -> Webhook:
    try:
        body.decode()
        return msgspec.json.decode(body, type=Webhook)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidWebhook("the event cannot be read") from error
