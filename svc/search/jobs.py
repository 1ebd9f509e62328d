"""The work of search: documents into the index, what is left, what is popular, and rebuilds, each of them a job."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.database import Database
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobKind, JobQueue, JobWorker
from shared.periodic import Periodic
from shared.stock_client import Stock
from shared.stock_watch import Sight, StockWatch
from shared.unit_of_work import UnitOfWork
from svc.search import handlers, store
from svc.search.clients import Catalog
from svc.search.indexing import Indexer
from svc.search.rebuilding import BUILD_ATTEMPTS_MAX, Rebuilder

REBUILD_INDEX = JobKind(
    name="rebuild_index", timeout_s=300, attempts_max=BUILD_ATTEMPTS_MAX, retry_first_s=1.0, retry_max_s=60.0
)
ASK_FOR_REBUILD = JobKind(name="ask_for_rebuild", timeout_s=10)
EVERY_MINUTE = "* * * * *"

log = structlog.get_logger(__name__)


def index_documents(indexer: Indexer, *, every_s: float) -> Periodic:
    """Brings the index up to the documents; woken by the consumer."""
    return Periodic("index_documents", every_s, indexer.push)


def stock_viewer(database: Database, stock: Stock, index: Periodic, *, every_s: float) -> Periodic:
    """Keeps what is available of each SKU; `index` is woken where that turned."""

    async def show(uow: UnitOfWork, sights: Sequence[Sight]) -> None:
        if await handlers.show_stock(uow, sights):
            uow.after_commit(index.wake)

    return Periodic("look_at_stock", every_s, StockWatch(database, stock.available, show).look)


def ranker(database: Database, catalog: Catalog, index: Periodic, *, every_s: float) -> Periodic:
    """Keeps how popular products are, from what is bought and what is looked at; `index` is woken where that moved."""

    async def look() -> int:
        views = await catalog.most_viewed()
        async with database.begin() as uow:
            moved = await handlers.rank(uow, views)
            if moved:
                uow.after_commit(index.wake)
        return moved

    return Periodic("rank_products", every_s, look)


class RebuildJobs:
    """Rebuilds of the index: asked for by people, and by the timetable for a build whose job was lost."""

    def __init__(self, database: Database, queue: JobQueue, rebuilder: Rebuilder) -> None:
        self._database = database
        self._queue = queue
        self._rebuilder = rebuilder

    def worker(self) -> JobWorker:
        """One at a time."""
        return JobWorker(
            self._queue,
            {REBUILD_INDEX: self._rebuilder.run, ASK_FOR_REBUILD: self.ask_again},
            at_once_max=1,
            crons={ASK_FOR_REBUILD: EVERY_MINUTE},
        )

    async def ask(self, build_id: UUID) -> None:
        """Queue the job of a stored build; while Redis is away the timetable does it later."""
        try:
            await self._queue.enqueue(REBUILD_INDEX, str(build_id), build_id=str(build_id))
        except RedisUnavailableError as error:
            log.warning("rebuild_not_queued", build_id=str(build_id), error=repr(error))

    async def ask_again(self) -> None:
        """Queue the job of the open build, if it is not queued or under way."""
        async with self._database.acquire() as connection:
            build = await store.builds.open_build(connection)
        if build is not None:
            await self.ask(build.id)
