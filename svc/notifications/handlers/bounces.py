"""Addresses that nobody has: noted when a mail comes back, and given another chance by the staff."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import UnknownBounce
from svc.notifications.store import bounces
from svc.notifications.store.deliveries import Delivery


async def note(uow: UnitOfWork, delivery: Delivery, reason: str) -> None:
    """No more mails to this address."""
    await bounces.add(uow.connection, delivery, reason)


async def forget(uow: UnitOfWork, bounce_id: UUID) -> None:
    """Mails to the address are tried again from now on. Raises `UnknownBounce`."""
    if not await bounces.remove(uow.connection, bounce_id):
        raise UnknownBounce("no such address is known to bounce")
