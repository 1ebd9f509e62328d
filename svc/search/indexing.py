"""Keeps the index equal to the documents: creates it where it is missing, writes what it has not yet.

Correctness never rests on who writes when: every write carries its version, and the engine refuses an older one.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog

from shared.database import Database
from svc.search import store
from svc.search.clients import BulkWrite, Engine, SearchEngineUnavailableError
from svc.search.domain import Document, indexed_fields
from svc.search.index_definition import MAPPINGS, SETTINGS

BATCH_DOCUMENTS_MAX = 500
INDEX_LOCK = 7_267_001
"""Advisory lock of whoever creates or rebuilds an index."""

log = structlog.get_logger(__name__)


class Indexer:
    """Writes documents to the index behind the alias, and to the one being built beside it."""

    def __init__(self, database: Database, engine: Engine, *, prefix: str) -> None:
        self.alias = f"{prefix}products"
        self._database = database
        self._engine = engine
        self._alias_seen = False

    async def push(self) -> int:
        """Index what is not indexed yet; gives the number written. The engine being away is waited for."""
        try:
            await self._ensure_index()
            return await self._push_pending()
        except SearchEngineUnavailableError as error:
            self._alias_seen = False
            log.warning("indexing_waits", error=str(error)[:300])
            return 0

    async def check(self) -> str:
        """For readiness. Raises `SearchEngineUnavailableError`."""
        return await self._engine.check(self.alias)

    async def write(self, targets: Sequence[str], documents: Sequence[Document]) -> list[str | None]:
        """Write the documents to all targets; per document None or why the engine refuses it for good."""
        return await self._engine.write(targets, [_write_of(document) for document in documents])

    async def create_index(self) -> str:
        """A new, empty index with a name nobody used; gives the name."""
        name = f"{self.alias}-v{time.time_ns() // 1_000_000}"
        await self._engine.create(name, settings=SETTINGS, mappings=MAPPINGS)
        return name

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
        if not await self._engine.indexes_behind(self.alias):
            async with self.exclusive() as is_ours:
                if not is_ours:
                    raise SearchEngineUnavailableError("another instance creates the index")
                if not await self._engine.indexes_behind(self.alias):
                    name = await self.create_index()
                    async with self._database.acquire() as connection:
                        await store.mark_all_pending(connection)
                    await self._engine.point(self.alias, name)
                    log.info("index_created", index=name)
        self._alias_seen = True

    async def _push_pending(self) -> int:
        async with self._database.acquire() as connection:
            documents = await store.pending(connection, rows_max=BATCH_DOCUMENTS_MAX)
            if not documents:
                return 0
            build = await store.open_build(connection)
        targets = [self.alias, *([build.index_name] if build and build.index_name else [])]
        reasons = await self.write(targets, documents)
        for document, reason in zip(documents, reasons, strict=True):
            if reason is not None:
                log.error("document_refused", product_id=str(document.product_id), reason=reason)
        async with self._database.acquire() as connection:
            await store.mark_indexed(connection, list(zip(documents, reasons, strict=True)))
        return len(documents)


def _write_of(document: Document) -> BulkWrite:
    source = indexed_fields(document.body) if document.is_indexed and document.body is not None else None
    return BulkWrite(str(document.product_id), document.version, source)
