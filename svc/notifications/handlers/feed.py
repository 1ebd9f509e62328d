"""What people have read of their feed."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import UnknownNotification
from svc.notifications.store import feed


async def mark(uow: UnitOfWork, customer_id: UUID, notification_id: UUID, *, read: bool) -> None:
    """Note that the message was read, or that it was not. Raises `UnknownNotification`, also for another's."""
    if not await feed.mark(uow.connection, customer_id, notification_id, read=read):
        raise UnknownNotification("there is no such message in your feed")


async def mark_up_to(uow: UnitOfWork, customer_id: UUID, newest_id: UUID) -> int:
    """Note that this message and all older ones were read: what came since the reader looked stays unread.

    Gives how many had not been. Raises `UnknownNotification`, also for another's.
    """
    if not await feed.has(uow.connection, customer_id, newest_id):
        raise UnknownNotification("there is no such message in your feed")
    return await feed.mark_up_to(uow.connection, customer_id, newest_id)
