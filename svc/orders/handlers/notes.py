"""What the staff writes down about an order. Notes are never changed; a customer is never shown one."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.orders.domain.order import OrderNotFound
from svc.orders.store import history, orders
from svc.orders.store.history import Note


async def write_note(uow: UnitOfWork, order_id: UUID, *, author: str, text: str) -> Note:
    """Keep a note of who wrote it and when. Raises `OrderNotFound`."""
    if await orders.owner_of(uow.connection, order_id) is None:
        raise OrderNotFound("there is no such order")
    return await history.note(uow.connection, order_id, actor=f"staff:{author}", note=text)
