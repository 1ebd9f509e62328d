"""What the catalog hears: that stock moved, and its own changes, by which every cached page of them goes."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from shared import stock_watch
from shared.contracts import Envelope
from shared.contracts.catalog import PriceChanged, ProductDeleted, ProductUpserted
from shared.contracts.inventory import ReservationFact, StockAdjusted
from shared.unit_of_work import UnitOfWork

Forget = Callable[[UUID], Awaitable[None]]
"""Has the pages of a product loaded anew."""


async def note_reservation(uow: UnitOfWork, envelope: Envelope[ReservationFact]) -> None:
    """Have the SKUs of a hold looked at."""
    stock_watch.mark(uow, {line.sku for line in envelope.data.lines})


async def note_stock(uow: UnitOfWork, envelope: Envelope[StockAdjusted]) -> None:
    """Have the SKU of a receipt or a count looked at."""
    stock_watch.mark(uow, [envelope.data.sku])


class Forgetting:
    """The pages of a changed product go by its event too: whoever changed it may have died before it could say so."""

    def __init__(self, forget: Forget) -> None:
        self._forget = forget

    async def handle(
        self, uow: UnitOfWork, envelope: Envelope[ProductUpserted | ProductDeleted | PriceChanged]
    ) -> None:
        del uow
        await self._forget(envelope.data.product_id)
