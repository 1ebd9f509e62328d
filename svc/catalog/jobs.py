"""The work of the catalog beside requests and events: prices by the clock, badges, views, moves, warm pages."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.availability import badge
from shared.database import Database
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobKind, JobQueue, JobWorker
from shared.periodic import Periodic
from shared.stock_client import Stock
from shared.stock_watch import Sight, StockWatch
from shared.unit_of_work import UnitOfWork
from svc.catalog import handlers
from svc.catalog.domain import UnknownProduct
from svc.catalog.shelf import Shelf
from svc.catalog.store import moving, views
from svc.catalog.views import Views

VIEWS_EVERY_S = 5.0
MOVED_EVERY_S = 1.0
WARM_AT_ONCE_MAX = 4
WARM_PRODUCTS_MAX = 1_000
WARM_USUALLY = 200
"""Products that the timetable keeps warm: those most looked at."""
WARM_SHELF = JobKind(name="warm_shelf", timeout_s=120)
KEEP_WARM = JobKind(name="keep_warm", timeout_s=120)
EVERY_TEN_MINUTES = "*/10 * * * *"

log = structlog.get_logger(__name__)


def price_turner(database: Database, shelf: Shelf, *, every_s: float) -> Periodic:
    """Tells of prices that began or ended to hold, and has their pages loaded anew."""

    async def look() -> int:
        async with database.begin() as uow:
            products = await handlers.turn_prices(uow)
        await shelf.forget(products)
        return len(products)

    return Periodic("turn_prices", every_s, look)


def mover(database: Database, shelf: Shelf) -> Periodic:
    """Tells of products whose category was moved."""

    async def look() -> int:
        async with database.begin() as uow:
            products = await handlers.tell_of_moved(uow)
        await shelf.forget(products)
        return len(products)

    return Periodic("tell_of_moved", MOVED_EVERY_S, look)


def stock_viewer(database: Database, stock: Stock, shelf: Shelf, *, every_s: float) -> Periodic:
    """Keeps what the badge says: pages go where it says something else now."""

    async def show(uow: UnitOfWork, sights: Sequence[Sight]) -> None:
        turned = [sight.sku for sight in sights if badge(sight.before) != badge(sight.after)]
        if turned:
            products = await moving.products_of(uow.connection, turned)
            uow.after_commit(lambda: shelf.forget_soon(products))

    return Periodic("look_at_stock", every_s, StockWatch(database, stock.available, show).look)


def view_flusher(counted: Views) -> Periodic:
    """Adds the views counted in Redis to the database."""

    async def look() -> int:
        await counted.flush()
        return 0

    return Periodic("flush_views", VIEWS_EVERY_S, look)


class Warming:
    """Pages put on the shelf before anybody asks for them: those somebody names, or those most looked at."""

    def __init__(self, database: Database, queue: JobQueue, shelf: Shelf) -> None:
        self._database = database
        self._queue = queue
        self._shelf = shelf

    def worker(self) -> JobWorker:
        """One job at a time."""
        return JobWorker(
            self._queue,
            {WARM_SHELF: self.warm, KEEP_WARM: self.keep_warm},
            at_once_max=1,
            crons={KEEP_WARM: EVERY_TEN_MINUTES},
        )

    async def ask(self, subject: str, product_ids: Sequence[UUID]) -> bool:
        """Queue a job for these products; False while one about the same subject is on its way, or Redis is away."""
        try:
            return await self._queue.enqueue(WARM_SHELF, subject, products=",".join(str(one) for one in product_ids))
        except RedisUnavailableError as error:
            log.warning("warming_not_queued", subject=subject, error=repr(error))
            return False

    async def warm(self, products: str) -> None:
        """The job: load the pages of these products; those that are gone are passed over."""
        await self._load([UUID(one) for one in products.split(",") if one])

    async def keep_warm(self) -> None:
        """The timetable: the pages most looked at, and the category tree."""
        async with self._database.acquire() as connection:
            most = await views.most_viewed(connection, rows_max=WARM_USUALLY)
        await self._shelf.categories()
        await self._load([viewed.product_id for viewed in most])

    async def _load(self, product_ids: Sequence[UUID]) -> None:
        places = asyncio.Semaphore(WARM_AT_ONCE_MAX)

        async def load(product_id: UUID) -> bool:
            async with places:
                try:
                    product = await self._shelf.product(str(product_id))
                    await self._shelf.product(product.slug)
                except UnknownProduct:
                    return False
                return True

        loaded = await asyncio.gather(*(load(one) for one in product_ids[:WARM_PRODUCTS_MAX]))
        log.info("shelf_warmed", products=sum(loaded))
