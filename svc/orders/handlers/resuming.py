"""What an operator does to a saga."""

from uuid import UUID

from shared.unit_of_work import UnitOfWork
from svc.orders.domain.saga import SagaEnded
from svc.orders.store import sagas
from svc.orders.store.sagas import SagaView


async def resume_saga(uow: UnitOfWork, order_id: UUID) -> SagaView:
    """Let the resolver look at a saga at once; a failed one gets another minute. Raises `SagaEnded`."""
    if not await sagas.resume(uow.connection, order_id):
        raise SagaEnded("this saga has ended, or never was")
    saga = await sagas.find(uow.connection, order_id)
    assert saga is not None, "it was just found"
    return saga
