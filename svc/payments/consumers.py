"""Which events make and end payments."""

from collections.abc import Callable

from shared.contracts import Envelope
from shared.contracts.auth import UserDeleted
from shared.contracts.orders import OrderCancelled, OrderCreated
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from shared.unit_of_work import UnitOfWork
from svc.payments.parts import Parts


def subscription(
    parts: Parts, erasure: Erasure, *, wake_charges: Callable[[], None], wake_refunds: Callable[[], None]
) -> Subscription:
    """The handler table; what an event makes due is worked on as soon as it is committed."""

    async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        await parts.owe_payment(uow, envelope)
        uow.after_commit(wake_charges)

    async def cancel_payment(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        await parts.cancel_payment(uow, envelope)
        uow.after_commit(wake_refunds)

    return {OrderCreated: owe_payment, OrderCancelled: cancel_payment, UserDeleted: erasure.forget}
