"""What an operator does to a saga."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.orders.domain.saga import SagaEnded
from svc.orders.store import history, orders, sagas
from svc.orders.store.sagas import SagaView


async def resume_saga(uow: UnitOfWork, order_id: UUID, *, who: str) -> SagaView:
    """Let the resolver look at a saga at once; a failed one gets another minute. The order's notes say who asked.

    Raises `SagaEnded`.
    """
    if not await sagas.resume(uow.connection, order_id):
        raise SagaEnded("this saga has ended, or never was")
    saga = await sagas.find(uow.connection, order_id)
    assert saga is not None, "it was just found"
    if await orders.owner_of(uow.connection, order_id) is not None:  # a saga may end before there is an order
        await history.note(uow.connection, order_id, actor=who, note=f"saga resumed while {saga.step}")
    return saga
