"""What became of a message, recorded and told to the fleet. The feed is the shop's own: nobody is told of it."""

from shared.contracts.notifications import NotificationFailed, NotificationSent
from shared.unit_of_work import UnitOfWork
from svc.notifications.store import deliveries
from svc.notifications.store.deliveries import Delivery

BOUNCES = "mails to this address come back"


async def succeed(uow: UnitOfWork, delivery: Delivery) -> None:
    """The channel took it; told once."""
    version = await deliveries.mark_sent(uow.connection, delivery.id)
    if version is not None:
        sent = NotificationSent(
            delivery_id=delivery.id,
            template=delivery.template,
            channel=delivery.channel,
            order_id=delivery.order_id,
        )
        uow.publish(sent, aggregate_id=delivery.id, aggregate_version=version)


async def fail(uow: UnitOfWork, delivery: Delivery, reason: str) -> None:
    """Nobody tries any more."""
    _tell_failed(uow, delivery, reason, await deliveries.mark_failed(uow.connection, delivery.id, error=reason))


async def suppress(uow: UnitOfWork, delivery: Delivery) -> None:
    """It is not even tried, because mails to the address come back."""
    _tell_failed(uow, delivery, BOUNCES, await deliveries.suppress(uow.connection, delivery.id, error=BOUNCES))


def _tell_failed(uow: UnitOfWork, delivery: Delivery, reason: str, version: int | None) -> None:
    if version is None:
        return
    failed = NotificationFailed(
        delivery_id=delivery.id,
        template=delivery.template,
        channel=delivery.channel,
        order_id=delivery.order_id,
        reason=reason,
    )
    uow.publish(failed, aggregate_id=delivery.id, aggregate_version=version)
