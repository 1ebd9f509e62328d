"""The replaceable parts of inventory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.kafka_consumer import Handler
from shared.service_parts import ServiceParts
from shared.unit_of_work import UnitOfWork
from svc.inventory import handlers
from svc.inventory.batcher import ReservationBatcher, ReserveBatch
from svc.inventory.domain import Hold
from svc.inventory.handlers import warehousing


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    batcher: type[ReservationBatcher] = ReservationBatcher
    """Waiting buyers in batches, one transaction each."""
    reserve: ReserveBatch = handlers.reserve
    """A batch of buyers served under the lock of their SKUs."""
    release: Callable[[UnitOfWork, UUID, str], Awaitable[Hold]] = handlers.release
    """A hold ended on request."""
    expired_holds: Callable[[UnitOfWork], Awaitable[list[UUID]]] = handlers.expired_holds
    """Holds whose time is over and whose order never came."""
    expire_holds: Callable[[UnitOfWork, Sequence[UUID]], Awaitable[None]] = handlers.expire_holds
    """Such holds ended, as far as they still are such."""
    learn_skus: Handler = handlers.learn_skus
    """product.upserted: goods of its SKUs may be booked in."""
    take_back: Handler = warehousing.take_back
    """return.received: goods of a sold order are on the shelf again."""
    pin_hold: Handler = handlers.pin_hold
    """order.created: the hold no longer expires."""
    commit_hold: Handler = handlers.commit_hold
    """order.paid: the units leave the stock."""
    release_hold: Handler = handlers.release_hold
    """order.cancelled: the units are free again."""


HEALTHY = Parts()
