"""Keeps the index equal to the documents: creates it where it is missing, writes what it has not yet.

Correctness never rests on who writes when: every write carries its version, and the engine refuses an older one.
Documents are claimed from their table and written many at a time; what becomes of each is recorded for it alone.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog

from shared.back_off import BackOff
from shared.database import Database
from shared.errors import WorldError
from shared.unit_of_work import Connection
from svc.search import store
from svc.search.clients import BulkWrite, Engine, Rejection, SearchEngineUnavailableError
from svc.search.domain import Document, indexed_fields
from svc.search.index_definition import MAPPINGS, SETTINGS

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
        return await self._engine.check(self.alias)

    async def write(self, targets: Sequence[str], documents: Sequence[Document]) -> list[Rejection | None]:
        """Write the documents to all targets; per document None, or why it was not taken.

        One that makes the whole write fail is found by halving, and rejected alone. Raises
        `SearchEngineUnavailableError`.
        """
        try:
            return await self._engine.write(targets, [_write_of(document) for document in documents])
        except WorldError:
            raise
        except Exception as error:
            if len(documents) == 1:
                log.exception("document_surprised", product_id=str(documents[0].product_id))
                return [Rejection(repr(error)[:REASON_CHARACTERS_MAX], is_final=False)]
            half = len(documents) // 2
            return [
                *await self.write(targets, documents[:half]),
                *await self.write(targets, documents[half:]),
            ]

    async def give_up(self, connection: Connection, document: Document, reason: str) -> None:
        """Halt this version of the document, until a newer one comes or a rebuild is asked for."""
        log.error("document_given_up", product_id=str(document.product_id), version=document.version, reason=reason)
        await store.refuse(connection, document, reason)

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

    async def _push_due(self) -> int:
        async with self._database.begin() as uow:
            claimed = await store.WORK.claim(uow.connection, rows_max=BATCH_DOCUMENTS_MAX, lease_s=LEASE_S)
            build = await store.open_build(uow.connection) if claimed else None
        if not claimed:
            return 0
        documents = [one.item for one in claimed]
        try:
            rejections = await self.write(
                [self.alias, *([build.index_name] if build and build.index_name else [])], documents
            )
        except SearchEngineUnavailableError:
            async with self._database.begin() as uow:
                await store.WORK.release(uow.connection, [one.key for one in claimed])
            raise
        async with self._database.begin() as uow:
            await self._record(uow.connection, list(zip(documents, rejections, strict=True)))
        return len(documents)

    async def _record(self, connection: Connection, outcomes: Sequence[tuple[Document, Rejection | None]]) -> None:
        current = await store.lock_current(connection, [document for document, _ in outcomes])
        await store.mark_indexed(connection, [document for document, rejection in outcomes if rejection is None])
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


def _write_of(document: Document) -> BulkWrite:
    source = indexed_fields(document.body) if document.is_indexed and document.body is not None else None
    return BulkWrite(str(document.product_id), document.version, source)
