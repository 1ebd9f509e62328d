"""What waiting for work costs: one statement per poll, and no transaction."""

import asyncio

import msgspec

from shared.work_table import Pace, Verdict, WorkEngine, WorkTable
from tests.support.services import opened_database, until

TABLE = WorkTable("chores", key="id", is_open="NOT done", columns="id", read=lambda row: Chore(row["id"]))
SCHEMA = """
    CREATE TABLE chores (id integer PRIMARY KEY, done boolean NOT NULL DEFAULT false,
        surprises integer NOT NULL DEFAULT 0, review text, due_at timestamptz NOT NULL DEFAULT clock_timestamp())
"""
POLLS = 5


class Chore(msgspec.Struct, frozen=True):
    id: int


class Chores(WorkEngine[Chore, str]):
    def __init__(self, database):
        super().__init__("chores", database, TABLE, Pace(at_once_max=2, lease_s=5.0, poll_s=0.01))

    async def perform(self, item):
        return "done"

    async def record(self, uow, item, outcome):
        await uow.connection.execute("UPDATE chores SET done = true WHERE id = $1", item.id)
        return Verdict.DONE


async def test_a_poll_that_finds_nothing_is_one_statement_and_what_is_due_is_found_unwoken(engines, statements):
    async with opened_database(engines, "auth") as database:
        async with database.acquire() as connection:
            await connection.execute(SCHEMA)
        with statements.counted() as seen:
            task = asyncio.create_task(Chores(database).run())
            try:

                async def polled():
                    return sum(one.startswith("SELECT true FROM chores") for one in seen) >= POLLS

                await until(polled)
                assert statements.transactions() == 1  # the first look, before any pause
                assert len(seen) <= 3 + POLLS + 1
                own = await database.connect()
                await own.execute("INSERT INTO chores (id) VALUES (1)")

                async def is_done():
                    return await own.fetchval("SELECT done FROM chores")

                await until(is_done)
                await own.close()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
