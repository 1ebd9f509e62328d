"""A rebuild of the index from the catalog, beside the one in use: searches never miss a thing meanwhile.

Live changes go to both indexes while it lasts. What dies half-way is begun again under another name. The row of a build
is the truth: its job in Redis only carries it, and one whose job was lost is asked for again.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.back_off import BackOff
from shared.database import Database
from shared.errors import WorldError
from shared.jobs_queue import JobGivenUpError
from svc.search import store
from svc.search.clients import Catalog, Engine, SearchEngineUnavailableError
from svc.search.domain import Document
from svc.search.indexing import Indexer
from svc.search.store.builds import Build

PAGE_DOCUMENTS_MAX = 100
BUILD_ATTEMPTS_MAX = 10
"""Of one build, before nobody tries any more; with the pauses between them two minutes or so."""
REASON_CHARACTERS_MAX = 500
WRITE_ATTEMPTS_MAX = 6
WRITE_BACK_OFF = BackOff(0.2, 5.0)

log = structlog.get_logger(__name__)


class BuildLostError(WorldError):
    """Another instance took the build over."""

    code = "build_lost"


class Rebuilder:
    """Runs the wanted rebuild, one at a time over all instances."""

    def __init__(self, database: Database, engine: Engine, indexer: Indexer, catalog: Catalog) -> None:
        self._database = database
        self._engine = engine
        self._indexer = indexer
        self._catalog = catalog

    async def run(self, build_id: str) -> None:
        """The job: one attempt at this build; nothing when it is done. One that had failed is wanted again.

        Raises as long as another attempt may help, `JobGivenUpError` after the last.
        """
        async with self._database.begin() as uow:
            await store.builds.reopen_build(uow.connection, UUID(build_id))
            wanted = await store.builds.begin_attempt(uow.connection, UUID(build_id))
        if wanted is None:
            return
        try:
            await self._build(wanted)
        except Exception as error:
            if wanted.attempts < BUILD_ATTEMPTS_MAX:
                raise
            async with self._database.begin() as uow:
                await store.builds.fail_build(uow.connection, wanted.id, repr(error)[:REASON_CHARACTERS_MAX])
            raise JobGivenUpError(repr(error)) from error

    async def _build(self, wanted: Build) -> None:
        async with self._indexer.exclusive() as is_ours:
            if not is_ours:
                raise BuildLostError("another instance makes an index")
            await self._build_alone(wanted)

    async def _build_alone(self, wanted: Build) -> None:
        await self._indexer.sweep()
        expected = await self._catalog.size()
        name = await self._indexer.create_index()
        async with self._database.acquire() as connection:
            build = await store.builds.start_build(connection, wanted.id, name, expected=expected)
            await store.documents.revive_halted(connection)
        seen = await self._copy(build, name)
        async with self._database.acquire() as connection:
            assert build.started_at is not None
            dropped = await store.documents.drop_unseen(connection, seen, before=build.started_at)
            if not await store.builds.is_still_ours(connection, build):
                raise BuildLostError(f"{name} is no longer the index being built")
        documents = await self._engine.refresh(name)
        await self._indexer.use(name)
        async with self._database.acquire() as connection:
            await store.builds.count_built(connection, build, documents)
            await store.builds.end_build(connection, build)
        log.info("index_rebuilt", index=name, documents=documents, dropped=dropped)

    async def _copy(self, build: Build, name: str) -> list[UUID]:
        """Page through the catalog into the new index; gives the ids seen."""
        seen: list[UUID] = []
        cursor: str | None = None
        while True:
            page = await self._catalog.page(cursor, limit=PAGE_DOCUMENTS_MAX)
            if page.documents:
                ids = [document.product_id for document in page.documents]
                async with self._database.acquire() as connection:
                    await store.documents.take_over(connection, page.documents)
                    known = await store.documents.of_products(connection, ids)
                await self._fill(name, known)
                seen += ids
                async with self._database.acquire() as connection:
                    await store.builds.count_built(connection, build, len(seen))
            cursor = page.next_cursor
            if cursor is None:
                return seen

    async def _fill(self, name: str, documents: Sequence[Document]) -> None:
        """All of them into the new index, but those the engine refuses for good; those are given up by name."""
        left = list(documents)
        for attempt in range(1, WRITE_ATTEMPTS_MAX + 1):
            rejected = [
                (document, rejection)
                for document, rejection in zip(left, await self._indexer.write([name], left), strict=True)
                if rejection is not None
            ]
            async with self._database.begin() as uow:
                for document, rejection in rejected:
                    if rejection.is_final:
                        await self._indexer.give_up(uow.connection, document, rejection.reason)
            left = [document for document, rejection in rejected if not rejection.is_final]
            if not left:
                return
            await asyncio.sleep(WRITE_BACK_OFF.delay_s(attempt))
        raise SearchEngineUnavailableError(f"{len(left)} documents were not taken into {name}")
