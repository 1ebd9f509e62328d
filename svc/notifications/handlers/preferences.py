"""How people want to be told, said by themselves."""

from uuid import UUID

from shared.if_match import VersionChanged
from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import (
    REFUSABLE,
    Channel,
    InvalidPreferences,
    Reader,
    Refused,
    Unsubscription,
    zone_of,
)
from svc.notifications.store import deliveries, readers


async def put(uow: UnitOfWork, customer_id: UUID, reader: Reader, *, version: int) -> int:
    """Store the wishes of a reader whose last ones had this version (0: none yet); gives the next version.

    Raises `InvalidPreferences`, `VersionChanged`.
    """
    zone_of(reader.time_zone)
    if any(refused.topic not in REFUSABLE for refused in reader.refused):
        raise InvalidPreferences("messages about the account itself cannot be refused", field="refused")
    stored = await readers.put(uow.connection, customer_id, reader, version=version)
    if stored is None:
        raise VersionChanged("your preferences were changed since you read them")
    await deliveries.withdraw(uow.connection, customer_id, reader.refused)
    return stored


async def unsubscribe(uow: UnitOfWork, wish: Unsubscription) -> None:
    """The reader wants no more mails about these topics; a repeat changes nothing."""
    refused = [Refused(topic, Channel.EMAIL) for topic in sorted(wish.topics)]
    await readers.refuse(uow.connection, wish.customer_id, *refused)
    await deliveries.withdraw(uow.connection, wish.customer_id, refused)
