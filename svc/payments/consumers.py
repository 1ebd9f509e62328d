"""Which events make and end payments."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contracts import Envelope
from shared.contracts.auth import UserDeleted
from shared.contracts.orders import OrderCancelled, OrderCreated, ReturnCompleted
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.payments.handlers.authorising import hold_first
from svc.payments.parts import Parts


@dataclass(frozen=True, kw_only=True)
class Wakes:
    """What has work look soon instead of at its next poll."""

    charges: Callable[[], None]
    refunds: Callable[[], None]
    settlements: Callable[[], None]


def subscription(parts: Parts, erasure: Erasure, *, held_first_from: tuple[Money, ...], wakes: Wakes) -> Subscription:
    """The handler table; what an event makes due is worked on as soon as it is committed."""

    async def owe_payment(uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        await parts.owe_payment(uow, envelope)
        order = envelope.data
        await hold_first(uow, order.order_id, Money(order.total_minor, order.currency), bounds=held_first_from)
        uow.after_commit(wakes.charges)

    async def cancel_payment(uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        await parts.cancel_payment(uow, envelope)
        uow.after_commit(wakes.refunds)
        uow.after_commit(wakes.settlements)

    async def pay_back_return(uow: UnitOfWork, envelope: Envelope[ReturnCompleted]) -> None:
        await parts.pay_back_return(uow, envelope)
        uow.after_commit(wakes.refunds)

    return {
        OrderCreated: owe_payment,
        OrderCancelled: cancel_payment,
        ReturnCompleted: pay_back_return,
        UserDeleted: erasure.forget,
    }
