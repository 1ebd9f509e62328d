"""What becomes of each document of a batch, on the real engine."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from elasticsearch import AsyncElasticsearch

from shared.database import Database
from shared.jobs_queue import JobBoard, JobGivenUpError, JobQueue
from svc.search import store
from svc.search.clients import CatalogPage, Engine, Rejection
from svc.search.domain import Document, ProductBody, VariantBody
from svc.search.indexing import ATTEMPTS_MAX, Indexer
from svc.search.jobs import RebuildJobs
from svc.search.rebuilding import BUILD_ATTEMPTS_MAX, Rebuilder
from tests.support.services import database_of, until

pytestmark = pytest.mark.service("search")


class PickyEngine(Engine):
    """The real engine, but for documents it is too busy for so many times, or cannot bear in any write."""

    def __init__(self, url):
        super().__init__(url)
        self.busy_for = {}
        self.poison = set()

    async def write(self, targets, writes):
        if any(write.id in self.poison for write in writes):
            raise ValueError("planned")
        taken = [write for write in writes if not self.busy_for.get(write.id)]
        rejections = dict.fromkeys((write.id for write in writes), Rejection("429 planned", is_final=False))
        for write in writes:
            if write not in taken:
                self.busy_for[write.id] -= 1
        if taken:
            answers = await super().write(targets, taken)
            rejections |= {write.id: answer for write, answer in zip(taken, answers, strict=True)}
        return [rejections[write.id] for write in writes]


class OnePage:
    def __init__(self, documents):
        self._documents = documents

    async def page(self, cursor, *, limit):
        return CatalogPage(self._documents, None)

    async def size(self):
        return len(self._documents)


class Bench:
    """Documents, their index, and who brings them there."""

    def __init__(self, database, engine, prefix):
        self.database = database
        self.engine = engine
        self.indexer = Indexer(database, engine, prefix=prefix)

    async def put(self, *documents):
        async with self.database.begin() as uow:
            await store.documents.put(uow.connection, documents)

    async def push(self):
        """One push of all that is not indexed, whether it is due or waits for its next attempt."""
        await self.execute("UPDATE documents SET due_at = clock_timestamp() WHERE due_at < 'infinity'")
        return await self.indexer.push()

    async def execute(self, statement, *arguments):
        async with self.database.begin() as uow:
            await uow.connection.execute(statement, *arguments)

    async def row(self, document):
        async with self.database.acquire() as connection:
            return await connection.fetchrow(
                "SELECT indexed_version, surprises, review FROM documents WHERE product_id = $1", document.product_id
            )

    async def halted(self):
        async with self.database.acquire() as connection:
            return {one.product_id: one.reason for one in await store.documents.halted(connection, rows_max=10)}

    async def wanted(self):
        async with self.database.begin() as uow:
            return await store.builds.request_build(uow.connection, uuid4())

    async def latest(self):
        async with self.database.acquire() as connection:
            return await store.builds.latest_build(connection)

    async def indexed(self):
        """The ids of the documents in the index."""
        async with AsyncElasticsearch(self.engine._url) as client:
            await client.indices.refresh(index=self.indexer.alias)
            answer = await client.search(index=self.indexer.alias, size=100)
        return {hit["_id"] for hit in answer["hits"]["hits"]}


@pytest.fixture
def bench(engines, prefix, indexes):
    @asynccontextmanager
    async def made():
        async with database_of(engines, "search") as url:
            database, engine = Database(url, "test"), PickyEngine(engines.elasticsearch)
            await database.open()
            await engine.open()
            try:
                yield Bench(database, engine, prefix)
            finally:
                await engine.close()
                await database.close()

    return made


def lamp(product_id=None, version=1, price_minor=100):
    product_id = product_id or uuid4()
    body = ProductBody(
        product_id=product_id,
        slug=f"lamp-{product_id}",
        title="Lamp",
        description="",
        category="home",
        status="active",
        variants=(VariantBody(sku="L", options={}, price_minor=price_minor, currency="EUR"),),
    )
    return Document(product_id=product_id, version=version, body=body)


def ids(*documents):
    return {str(document.product_id) for document in documents}


async def test_one_rejected_for_now_is_tried_again_and_costs_the_others_nothing(bench):
    busy, *others = documents = [lamp() for _ in range(4)]
    async with bench() as made:
        await made.put(*documents)
        made.engine.busy_for[str(busy.product_id)] = 2
        await made.push()
        assert await made.indexed() == ids(*others)
        assert [(await made.row(one))["indexed_version"] for one in documents] == [0, 1, 1, 1]
        assert (await made.row(busy))["surprises"] == 1
        assert await made.indexer.push() == 0, "it waits for its next attempt"
        await made.push()
        await made.push()
        assert await made.indexed() == ids(*documents)
        assert tuple(await made.row(busy)) == (1, 0, None)


async def test_what_is_rejected_without_end_is_given_up_and_listed_until_it_changes(bench):
    busy = lamp()
    async with bench() as made:
        await made.put(busy)
        made.engine.busy_for[str(busy.product_id)] = ATTEMPTS_MAX
        for _ in range(ATTEMPTS_MAX):
            assert await made.halted() == {}
            await made.push()
        assert await made.halted() == {busy.product_id: f"after {ATTEMPTS_MAX} attempts: 429 planned"}
        assert await made.push() == 0
        await made.put(lamp(busy.product_id, version=2))
        await made.push()
        assert (await made.indexed(), await made.halted()) == (ids(busy), {})


async def test_an_index_that_is_read_only_for_a_while_is_no_reason_to_give_up(bench):
    first, second = lamp(), lamp()
    async with bench() as made, AsyncElasticsearch(made.engine._url) as client:
        await made.put(first)
        await made.push()
        for block in ("read_only_allow_delete", "write"):  # answered with 429, with 403
            await client.indices.put_settings(index=made.indexer.alias, settings={f"index.blocks.{block}": True})
            second = lamp()
            await made.put(second)
            await made.push()
            row = await made.row(second)
            assert (row["indexed_version"], row["surprises"], row["review"]) == (0, 1, None), block
            await client.indices.put_settings(index=made.indexer.alias, settings={f"index.blocks.{block}": None})
            await until(made.push)
            assert str(second.product_id) in await made.indexed()


async def test_one_the_engine_refuses_for_good_is_listed_at_once(bench):
    bad, good = lamp(price_minor=2**63 + 5), lamp()
    async with bench() as made:
        await made.put(bad, good)
        await made.push()
        assert await made.indexed() == ids(good)
        ((product_id, reason),) = (await made.halted()).items()
        assert product_id == bad.product_id
        assert reason.startswith("after 1 attempts: 400")
        assert await made.push() == 0


async def test_one_that_makes_the_whole_write_fail_is_found_and_waits_alone(bench):
    poison, *others = documents = [lamp() for _ in range(7)]
    async with bench() as made:
        await made.put(*documents)
        made.engine.poison.add(str(poison.product_id))
        await made.push()
        assert await made.indexed() == ids(*others)
        assert tuple(await made.row(poison)) == (0, 1, None)


async def test_one_that_cannot_be_read_is_halted_and_the_others_are_indexed(bench):
    odd, good = lamp(), lamp()
    async with bench() as made:
        await made.put(odd, good)
        await made.execute("""UPDATE documents SET body = '{"odd": 1}' WHERE product_id = $1""", odd.product_id)
        await made.push()
        assert await made.indexed() == ids(good)
        ((product_id, reason),) = (await made.halted()).items()
        assert (product_id, reason.startswith("unreadable")) == (odd.product_id, True)


async def test_a_rebuild_waits_for_what_is_rejected_for_now_and_tries_the_given_up_again(bench):
    busy, given_up, _ = documents = [lamp() for _ in range(3)]
    async with bench() as made:
        await made.put(*documents)
        made.engine.busy_for[str(given_up.product_id)] = 1
        await made.push()
        async with made.database.begin() as uow:
            await store.documents.refuse(uow.connection, given_up, "planned")
        made.engine.busy_for[str(busy.product_id)] = 2
        build = await made.wanted()
        await Rebuilder(made.database, made.engine, made.indexer, OnePage(documents)).run(str(build.id))
        assert (await made.latest()).status == "completed"
        assert await made.indexed() == ids(*documents)
        await made.push()
        assert await made.halted() == {}


async def test_a_build_that_keeps_failing_is_given_up_and_can_be_wanted_again(bench):
    async with bench() as made:
        build = await made.wanted()
        broken = Rebuilder(made.database, made.engine, made.indexer, None)
        for _ in range(BUILD_ATTEMPTS_MAX - 1):
            with pytest.raises(AttributeError):
                await broken.run(str(build.id))
        with pytest.raises(JobGivenUpError):
            await broken.run(str(build.id))
        failed = await made.latest()
        assert (failed.status, failed.attempts, "AttributeError" in failed.reason) == (
            "failed",
            BUILD_ATTEMPTS_MAX,
            True,
        )
        await Rebuilder(made.database, made.engine, made.indexer, OnePage([lamp()])).run(str(build.id))
        again = await made.latest()
        assert (again.id, again.status, again.documents, again.reason) == (build.id, "completed", 1, None)
        await broken.run(str(build.id))  # what is done is not done again


async def test_a_build_whose_job_was_lost_is_asked_for_again(bench, engines, prefix):
    async with bench() as made, JobBoard(engines.redis, prefix=prefix, services=["search"]) as board:
        queue = JobQueue(engines.redis, prefix=prefix, service="search")
        await queue.open()
        try:
            jobs = RebuildJobs(made.database, queue, None)
            await jobs.ask_again()
            assert await board.rows() == [], "no build is wanted"
            build = await made.wanted()
            for _ in range(2):
                await jobs.ask_again()
                (row,) = await board.rows()
                assert (row.kind, row.key.endswith(str(build.id)), row.state) == ("rebuild_index", True, "waiting")
        finally:
            await queue.close()
