"""Brings a streamed feed into the catalog: portions of rows, and a row that cannot be had alone with its reason."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from shared.database import Database
from shared.errors import Refusal
from svc.catalog import handlers
from svc.catalog.domain import Product, ProductWish
from svc.catalog.handlers import FeedUnderWay
from svc.catalog.shelf import Shelf
from svc.catalog.store.feeds import Feed, FeedError

DETAIL_CHARACTERS_MAX = 300


class Row(msgspec.Struct, frozen=True):
    """Row `number`, counted from 1: what it wishes, or why it cannot be read."""

    number: int
    wish: ProductWish | None
    code: str = ""
    detail: str = ""


class Feeder:
    """One feed under way; whoever counts second is told so and stops."""

    def __init__(self, database: Database, shelf: Shelf, feed: Feed, *, seller_id: str | None) -> None:
        self._database = database
        self._shelf = shelf
        self._id: UUID = feed.id
        self._seller_id = seller_id
        self._done = feed.rows_done

    async def bring(self, rows: AsyncIterator[Row]) -> None:
        """Bring all rows behind the last one counted. Raises `FeedUnderWay` and what reading the rows raises."""
        portion: list[Row] = []
        async for row in rows:
            if row.number <= self._done + len(portion):
                continue
            portion.append(self._owned(row))
            if len(portion) == handlers.PORTION_ROWS_MAX:
                await self._bring(portion)
                portion = []
        if portion:
            await self._bring(portion)
        await self._shelf.forget_categories()
        async with self._database.begin() as uow:
            await handlers.complete_feed(uow, self._id, rows_done=self._done)

    async def _bring(self, rows: Sequence[Row]) -> None:
        """All of them in one transaction, and where a rule refuses one, each half in one of its own."""
        try:
            products = await self._apply(rows)
        except FeedUnderWay:
            raise
        except Refusal as refusal:
            if len(rows) == 1:
                await self._bring([_refused(rows[0], refusal)])
                return
            middle = len(rows) // 2
            await self._bring(rows[:middle])
            await self._bring(rows[middle:])
            return
        self._done += len(rows)
        await self._shelf.forget(products)

    async def _apply(self, rows: Sequence[Row]) -> list[Product]:
        wishes = [row.wish for row in rows if row.wish is not None]
        errors = [FeedError(row.number, row.code, row.detail) for row in rows if row.wish is None]
        handlers.portions(wishes)
        async with self._database.begin() as uow:
            return await handlers.apply_rows(
                uow, self._id, wishes, errors, rows_done=self._done, seller_id=self._seller_id
            )

    def _owned(self, row: Row) -> Row:
        """A seller need not name themselves in every row."""
        if self._seller_id is None or row.wish is None or row.wish.seller_id is not None:
            return row
        return msgspec.structs.replace(row, wish=msgspec.structs.replace(row.wish, seller_id=self._seller_id))


def _refused(row: Row, refusal: Refusal) -> Row:
    return Row(row.number, None, refusal.code, refusal.detail[:DETAIL_CHARACTERS_MAX])
