"""Which events send parcels and keep them."""

from collections.abc import Callable

from shared.contracts import Envelope
from shared.contracts.auth import UserDeleted
from shared.contracts.inventory import InventoryReserved
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from shared.unit_of_work import UnitOfWork
from svc.shipping.parts import Parts


def subscription(parts: Parts, erasure: Erasure, *, carrier: str, wake_parcels: Callable[[], None]) -> Subscription:
    """The handler table; what an event makes due is worked on as soon as it is committed."""

    async def send_parcel(uow: UnitOfWork, envelope: Envelope[OrderPaid]) -> None:
        await parts.send_parcel(uow, envelope, carrier=carrier)
        uow.after_commit(wake_parcels)

    return {
        InventoryReserved: parts.learn_placement,
        OrderPaid: send_parcel,
        OrderCancelled: parts.keep_parcel,
        UserDeleted: erasure.forget,
    }
