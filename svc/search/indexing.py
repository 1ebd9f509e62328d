"""Keeps the index equal to the documents: creates it where it is missing, writes what it has not yet.

Correctness never rests on who writes when: every write carries its version, and the engine refuses an older one.
Documents are claimed from their table and written many at a time; what becomes of each is recorded for it alone.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from shared.back_off import BackOff
from shared.database import Database
from shared.errors import WorldError
from shared.unit_of_work import Connection
from svc.search import store
from svc.search.clients import BulkWrite, Engine, Rejection, SearchEngineUnavailableError
from svc.search.domain import Document, indexed_fields
from svc.search.index_definition import DEFINITION, MAPPINGS, SETTINGS

BATCH_DOCUMENTS_MAX = 500
LEASE_S = 30.0
"""Longer than a bulk write may take; two writers of one document would do no harm."""
ATTEMPTS_MAX = 20
"""Rejections of one version before nobody tries any more: about a quarter of an hour."""
BACK_OFF = BackOff(0.5, 60.0)
REASON_CHARACTERS_MAX = 500
INDEX_LOCK = 7_267_001
"""Advisory lock of whoever creates or rebuilds an index."""

log = structlog.get_logger(__name__)


class Indexer:
    """Writes documents to the index behind the alias, and to the one being built beside it."""

    def __init__(self, database: Database, engine: Engine, *, prefix: str) -> None:
        self.alias = f"{prefix}products"
        """The index in use, for whoever looks from outside."""
        self.current = f"{self.alias}-d{DEFINITION}"
        """The index in use if it was made by this release's definition; the only one it writes to and searches in."""
        self._database = database
        self._engine = engine
        self._alias_seen = False

    async def push(self) -> int:
        """Index what is not indexed yet; gives the number written. The engine being away is waited for."""
        try:
            await self._ensure_index()
            return await self._push_due()
        except SearchEngineUnavailableError as error:
            self._alias_seen = False
            log.warning("indexing_waits", error=str(error)[:300])
            return 0

    async def check(self) -> str:
        """For readiness. Raises `SearchEngineUnavailableError`."""
        return await self._engine.check(self.current)

    async def write(self, targets: Sequence[str], documents: Sequence[Document]) -> list[Rejection | None]:
        """Write the documents, with what is left of their SKUs, to all targets; per document None, or why not.

        One that makes the whole write fail is found by halving, and rejected alone. Raises
        `SearchEngineUnavailableError`.
        """
        async with self._database.acquire() as connection:
            stock = await store.documents.stock_of(connection, [sku for document in documents for sku in document.skus])
        return await self._write(targets, [_write_of(document, stock) for document in documents])

    async def _write(self, targets: Sequence[str], writes: Sequence[BulkWrite]) -> list[Rejection | None]:
        try:
            return await self._engine.write(targets, writes)
        except WorldError:
            raise
        except Exception as error:
            if len(writes) == 1:
                log.exception("document_surprised", product_id=writes[0].id)
                return [Rejection(repr(error)[:REASON_CHARACTERS_MAX], is_final=False)]
            half = len(writes) // 2
            return [*await self._write(targets, writes[:half]), *await self._write(targets, writes[half:])]

    async def give_up(self, connection: Connection, document: Document, reason: str) -> None:
        """Halt this version of the document, until a newer one comes or a rebuild is asked for."""
        log.error("document_given_up", product_id=str(document.product_id), version=document.version, reason=reason)
        await store.documents.refuse(connection, document, reason)

    async def create_index(self) -> str:
        """A new, empty index with a name nobody used; gives the name."""
        name = f"{self.alias}-v{time.time_ns() // 1_000_000}"
        await self._engine.create(name, settings=SETTINGS, mappings=MAPPINGS)
        return name

    async def use(self, name: str) -> None:
        """Search in this index from now on, everybody at once, and remove those nobody reads."""
        await self._engine.point((self.alias, self.current), name, among=f"{self.alias}-v*")
        await self.sweep()

    async def sweep(self) -> None:
        """Remove the indexes nobody reads: the one before, and those of builds that died."""
        read = await self._engine.indexes_behind(self.alias)
        for name in await self._engine.indexes_like(f"{self.alias}-v*"):
            if name not in read:
                await self._engine.delete(name)

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[bool]:
        """Whether this instance may create or rebuild an index; it alone may while the block lasts."""
        connection = await self._database.connect()
        try:
            yield bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", INDEX_LOCK))
        finally:
            connection.terminate()

    async def _ensure_index(self) -> None:
        if self._alias_seen:
            return
        if not await self._engine.indexes_behind(self.current):
            async with self.exclusive() as is_ours:
                if not is_ours:
                    raise SearchEngineUnavailableError("another instance creates the index")
                if not await self._engine.indexes_behind(self.current):
                    name = await self.create_index()
                    async with self._database.acquire() as connection:
                        await store.documents.mark_all_pending(connection)
                    await self.use(name)
                    log.info("index_created", index=name)
        self._alias_seen = True

    async def _push_due(self) -> int:
        async with self._database.begin() as uow:
            claimed = await store.WORK.claim(uow.connection, rows_max=BATCH_DOCUMENTS_MAX, lease_s=LEASE_S)
            build = await store.builds.open_build(uow.connection) if claimed else None
        if not claimed:
            return 0
        documents = [one.item for one in claimed]
        try:
            rejections = await self.write(
                [self.current, *([build.index_name] if build and build.index_name else [])], documents
            )
        except SearchEngineUnavailableError:
            async with self._database.begin() as uow:
                await store.WORK.release(uow.connection, [one.key for one in claimed])
            raise
        async with self._database.begin() as uow:
            await self._record(uow.connection, list(zip(documents, rejections, strict=True)))
        return len(documents)

    async def _record(self, connection: Connection, outcomes: Sequence[tuple[Document, Rejection | None]]) -> None:
        current = await store.documents.lock_current(connection, [document for document, _ in outcomes])
        taken = [document for document, rejection in outcomes if rejection is None]
        await store.documents.mark_indexed(connection, taken)
        for document, rejection in outcomes:
            if rejection is not None and document.product_id in current:
                await self._put_off(connection, document, rejection)

    async def _put_off(self, connection: Connection, document: Document, rejection: Rejection) -> None:
        attempts = await store.WORK.note_surprise(connection, document.product_id)
        if rejection.is_final or attempts >= ATTEMPTS_MAX:
            await self.give_up(connection, document, f"after {attempts} attempts: {rejection.reason}")
            return
        log.warning("document_waits", product_id=str(document.product_id), attempts=attempts, reason=rejection.reason)
        await store.WORK.postpone(connection, document.product_id, delay_s=BACK_OFF.delay_s(attempts))


def _write_of(document: Document, stock: Mapping[str, int]) -> BulkWrite:
    source = None
    if document.is_indexed and document.body is not None:
        source = indexed_fields(document.body, popularity=document.popularity, stock=stock)
    return BulkWrite(str(document.product_id), document.index_version, source)
