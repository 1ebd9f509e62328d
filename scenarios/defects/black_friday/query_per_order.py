"""Planted: a customer's orders are read one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.handlers.reading import OrderHistory
from svc.orders.store import orders as store

CARD = DefectCard(
    id="query-per-order",
    title="The list of a customer's orders asks once more for each order (N+1)",
    parts=("orders.history",),
    root_cause="The page is selected, and then each of its orders is loaded with what belongs to it.",
    caught_by=("INV-21",),
    exposed_by="A customer with more than a few orders.",
    symptoms="One response makes 47 queries; those who buy most wait longest.",
    fix="The page and what belongs to its orders in one statement; a test counts them.",
    origin="The incident's own review: one order response makes 47 queries.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A history that goes back for each order."""
    history: type[OrderHistory] = healthy

    class OneByOne(history):
        """The page, then its orders."""

        async def page(
            self, customer_id: UUID, *, before: tuple[datetime, UUID], rows_max: int
        ) -> Sequence[store.StoredOrder]:
            page = await super().page(customer_id, before=before, rows_max=rows_max)
            return [one for order in page for one in await self._one(order.id)]

        async def _one(self, order_id: UUID) -> Sequence[store.StoredOrder]:
            async with self._database.acquire() as connection:
                one = await store.find(connection, order_id)
            return [] if one is None else [one]

    return OneByOne


TWINS: Twins = {"orders.history": twin}
