import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from shared import crash_points
from shared.back_off import BackOff
from shared.database import Database
from shared.errors import DatabaseUnavailableError
from shared.work_table import CallColumn, Pace, Verdict, WorkEngine, WorkTable
from tests.support.services import database_of, until

SCHEMA = """
    CREATE TABLE errands (
        id integer PRIMARY KEY,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'called', 'unknown', 'done')),
        kind text NOT NULL DEFAULT 'plain',
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        unknown_since timestamptz,
        review text,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        told integer NOT NULL DEFAULT 0
    )
"""


class Errand(msgspec.Struct, frozen=True):
    id: int
    status: str
    kind: str
    attempts: int


def _read(row):
    if row["kind"] == "garbled":
        raise ValueError("this row is not an errand")
    return Errand(row["id"], row["status"], row["kind"], row["attempts"])


TABLE = WorkTable(
    "errands",
    key="id",
    is_open="status IN ('pending', 'called', 'unknown')",
    columns="id, status, kind, attempts",
    read=_read,
    call=CallColumn("status", idle="pending", under_way="called", unknown="unknown"),
)


class Errands(WorkEngine[Errand, str]):
    """Runs errands; those of a kind go wrong in its way."""

    def __init__(self, database, *, at_once_max=4, lease_s=5.0):
        super().__init__("errands", database, TABLE, Pace(at_once_max=at_once_max, lease_s=lease_s, poll_s=0.02))
        self.calls = []
        self.running = self.running_max = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def perform(self, item):
        self.calls.append((item.id, item.status))
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if item.kind == "surprising":
            raise RuntimeError("nobody foresaw this")
        if item.kind == "slow":
            await asyncio.sleep(60)
        return "doubt" if item.kind == "doubtful" and item.status == "called" else "done"

    async def record(self, uow, item, outcome):
        if item.kind == "unrecordable":
            raise KeyError("nobody foresaw this either")
        if item.kind == "worldly" and len([call for call in self.calls if call[0] == item.id]) == 1:
            raise DatabaseUnavailableError("away for a moment")
        if outcome == "doubt":
            await TABLE.doubt(uow.connection, item.id, delay_s=0.0)
            return Verdict.ASK
        await uow.connection.execute("UPDATE errands SET status = 'done', told = told + 1 WHERE id = $1", item.id)
        return Verdict.DONE


@asynccontextmanager
async def errands(engines, **kinds):
    async with database_of(engines, "inventory") as url:
        database = Database(url, "test")
        await database.open()
        try:
            async with database.begin() as uow:
                await uow.connection.execute(SCHEMA)
                for kind, count in kinds.items():
                    await uow.connection.execute(
                        "INSERT INTO errands (id, kind) "
                        "SELECT coalesce((SELECT max(id) FROM errands), 0) + number, $1 "
                        "FROM generate_series(1, $2) AS numbers (number)",
                        kind,
                        count,
                    )
            yield database
        finally:
            await database.close()


async def test_a_crash_can_be_had_on_both_sides_of_the_call_and_of_the_commit(engines, monkeypatch):
    passed = []
    monkeypatch.setattr(crash_points, "reach", lambda work, point: passed.append(f"{work} {point}"))

    class Watched(Errands):
        async def perform(self, item):
            passed.append("call")
            return await super().perform(item)

        async def record(self, uow, item, outcome):
            uow.after_commit(lambda: passed.append("commit"))
            return await super().record(uow, item, outcome)

    async with errands(engines, plain=1) as database, at_work(Watched(database)):
        await until(lambda: "errands after-commit" in passed)
    assert passed == [
        "errands before-call", "call", "errands after-call", "errands before-commit", "commit", "errands after-commit",
    ]  # fmt: skip


@asynccontextmanager
async def at_work(*workers):
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def rows(database, condition="true"):
    async with database.acquire() as connection:
        return await connection.fetch(f"SELECT * FROM errands WHERE {condition} ORDER BY id")  # noqa: S608 test constants


@pytest.mark.parametrize("kind", ["surprising", "unrecordable", "garbled"])
async def test_what_one_item_does_by_surprise_costs_no_other_its_result(engines, kind):
    async with errands(engines, plain=5, **{kind: 1}, doubtful=3) as database:
        worker = Errands(database)
        async with at_work(worker):
            await until(lambda: _count(database, "status = 'done'", 8))
        assert [row["told"] for row in await rows(database, "kind <> '" + kind + "'")] == [1] * 8
        assert len(worker.calls) <= 5 + 2 * 3 + 2  # nobody was called again for the one that went wrong


async def _count(database, condition, number):
    return len(await rows(database, condition)) == number


@pytest.mark.parametrize("kind", ["surprising", "unrecordable"])
async def test_an_item_that_keeps_surprising_is_halted_for_a_person(engines, monkeypatch, kind):
    monkeypatch.setattr("shared.work_table.engine.SURPRISE_BACK_OFF", BackOff(0.0, 0.0))
    monkeypatch.setattr("shared.work_table.engine.SURPRISES_MAX", 3)
    async with errands(engines, **{kind: 1}) as database:
        worker = Errands(database)
        async with at_work(worker):
            (halted,) = await until(lambda: rows(database, "due_at = 'infinity'"))
        assert (halted["surprises"], len(worker.calls)) == (3, 3)
        assert halted["review"].startswith("3 unforeseen failures: ")
        assert [status for _, status in worker.calls] == ["called", "unknown", "unknown"]


async def test_a_row_that_cannot_be_read_is_halted_for_a_person(engines):
    async with errands(engines, garbled=1, plain=1) as database:
        async with at_work(Errands(database)):
            (halted,) = await until(lambda: rows(database, "due_at = 'infinity'"))
        assert halted["review"] == "unreadable: ValueError('this row is not an errand')"


async def test_no_more_is_claimed_than_there_are_free_places(engines):
    async with errands(engines, plain=12) as database:
        worker = Errands(database, at_once_max=4)
        worker.gate.clear()
        async with at_work(worker):
            await until(lambda: worker.running == 4)
            assert await _count(database, "status = 'called'", 4)
            worker.gate.set()
            await until(lambda: _count(database, "status = 'done'", 12))
        assert worker.running_max == 4


async def test_several_instances_share_the_work_without_doubling_it(engines):
    async with errands(engines, plain=40) as database:
        workers = [Errands(database) for _ in range(3)]
        async with at_work(*workers):
            await until(lambda: _count(database, "status = 'done'", 40))
        assert sorted(id_ for worker in workers for id_, _ in worker.calls) == list(range(1, 41))
        assert {row["told"] for row in await rows(database)} == {1}


async def test_what_a_dead_holder_left_is_asked_about_after_its_lease(engines):
    async with errands(engines, plain=1) as database:
        async with database.begin() as uow:
            (dead,) = await TABLE.claim(uow.connection, rows_max=1, lease_s=0.2)
        assert dead.item.status == "called"
        worker = Errands(database)
        async with at_work(worker):
            (row,) = await until(lambda: rows(database, "status = 'done'"))
        assert worker.calls == [(1, "unknown")]
        assert row["attempts"] == 1


async def test_an_attempt_ends_with_its_lease_and_is_asked_about(engines):
    async with errands(engines, slow=1) as database:
        worker = Errands(database, lease_s=0.1)
        async with at_work(worker):
            await until(lambda: len(worker.calls) > 1)
        assert worker.calls[:2] == [(1, "called"), (1, "unknown")]
        assert worker.running == 0


async def test_a_world_that_is_away_costs_the_item_no_attempt(engines):
    async with errands(engines, worldly=1) as database:
        async with at_work(Errands(database, lease_s=0.1)):
            (row,) = await until(lambda: rows(database, "status = 'done'"))
        assert (row["surprises"], row["review"]) == (0, None)


async def test_stopping_lets_an_attempt_under_way_end(engines):
    async with errands(engines, plain=1) as database:
        worker = Errands(database)
        worker.gate.clear()
        task = asyncio.create_task(worker.run())
        await until(lambda: worker.running)
        task.cancel()
        worker.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _count(database, "status = 'done'", 1)
