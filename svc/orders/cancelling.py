"""Undoing an order: what it takes from outside is asked for first, and only the answer lets anything be undone.

A paid order's goods are asked back from shipping, outside any transaction; whoever asked and died is followed by the
saga, which asks again until shipping has answered. docs/decisions/0011-who-decides.md has the table.
"""

from datetime import timedelta
from uuid import UUID

import structlog

from shared.database import Database
from shared.errors import RemoteRefusal, WorldError
from svc.orders.clients import Warehouse
from svc.orders.domain.machines import OrderState
from svc.orders.domain.order import OrderAlreadyShipped, Withholding
from svc.orders.handlers import lifecycle
from svc.orders.handlers.lifecycle import Because
from svc.orders.settings import Settings
from svc.orders.store.orders import StoredOrder

log = structlog.get_logger(__name__)


class Cancelling:
    """Cancels and recalls orders within a request, or as the saga."""

    def __init__(self, database: Database, warehouse: Warehouse, *, config: Settings) -> None:
        self._database = database
        self._warehouse = warehouse
        self._patience = timedelta(seconds=config.compensating_s)

    async def cancel(self, order_id: UUID, because: Because, *, customer_id: UUID | None = None) -> StoredOrder:
        """Cancel an order that is not handed over; one that is still `cancelling` waits for shipping's answer.

        With `customer_id` a foreign order is as good as absent. Raises `OrderNotFound`, `OrderNotCancellable`,
        `OrderAlreadyShipped` (also when only shipping knew).
        """
        async with self._database.begin() as uow:
            order = await lifecycle.cancel(uow, order_id, because, patience=self._patience, customer_id=customer_id)
        order = await self._within_request(order)
        if order.state.order not in {OrderState.CANCELLED, OrderState.CANCELLING}:
            raise OrderAlreadyShipped("the parcel is on its way; send it back instead", status=order.status.value)
        return order

    async def recall(self, order_id: UUID, because: Because) -> StoredOrder:
        """Take back a sale that should never have been made, also after hand-over. Raises `OrderNotFound`."""
        async with self._database.begin() as uow:
            order = await lifecycle.recall(uow, order_id, because, patience=self._patience)
        return await self._within_request(order)

    async def settle(self, order_id: UUID) -> StoredOrder | None:
        """Ask shipping for the goods of an order and let the answer decide; None while it is undecided.

        Raises what `ServiceClient.request` raises.
        """
        answer = await self._warehouse.withhold(order_id)
        if answer is Withholding.UNANSWERED:
            return None
        because = Because("shipping", f"goods {answer.value.replace('_', ' ')}")
        async with self._database.begin() as uow:
            return await lifecycle.end_withholding(uow, order_id, answer, because, patience=self._patience)

    async def _within_request(self, order: StoredOrder) -> StoredOrder:
        if order.state.order is not OrderState.CANCELLING:
            return order
        try:
            settled = await self.settle(order.id)
        except (WorldError, RemoteRefusal) as error:
            log.warning("shipping_not_asked", order_id=str(order.id), error=repr(error))
            return order  # the saga goes on asking
        return settled or order
