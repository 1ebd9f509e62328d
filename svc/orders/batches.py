"""Batches of facts: the orders that they are about are locked in one order."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.contracts import EnvelopeHeader
from shared.kafka_consumer import ConsumerRunner
from shared.unit_of_work import UnitOfWork
from svc.orders.store import orders


class _AboutOrder(msgspec.Struct, frozen=True):
    order_id: UUID | None = None


class OrderBatches(ConsumerRunner):
    """Facts of payments, stock and parcels come by topics of their own, each with the same orders in another order: two
    batches that locked them one by one would wait for each other.
    """

    async def _prepare(self, uow: UnitOfWork, headers: Sequence[EnvelopeHeader]) -> None:
        order_ids = {order_id for header in headers if (order_id := _order_of(header)) is not None}
        if len(order_ids) > 1:
            await orders.lock_all(uow.connection, list(order_ids))


def _order_of(header: EnvelopeHeader) -> UUID | None:
    """None for data that cannot be read: its handler says why."""
    try:
        return msgspec.json.decode(header.data, type=_AboutOrder).order_id
    except msgspec.MsgspecError:
        return None
