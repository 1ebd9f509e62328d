"""What customers look at of their own: orders placed, newest first, and the cart as it lies in the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import Database
from svc.orders.store import carts, orders


class OrderHistory:
    """A customer's orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, customer_id: UUID, *, before: tuple[datetime, UUID], rows_max: int
    ) -> Sequence[orders.StoredOrder]:
        """Those placed before that moment and order, in one statement whatever their number."""
        async with self._database.acquire() as connection:
            return await orders.page(connection, customer_id, before=before, rows_max=rows_max)


class CartReader:
    """A customer's cart, for looking at it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, customer_id: UUID) -> carts.StoredCart:
        """The cart, empty where there is none."""
        async with self._database.acquire() as connection:
            return await carts.load(connection, customer_id)
