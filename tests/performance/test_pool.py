"""What using the pool costs beside the statements themselves: nothing; and what it still undoes."""

import re
from pathlib import Path

import pytest

from shared.database import Database
from tests.support.services import database_of, opened_database

ROOT = Path(__file__).parents[2]
SESSION_LOCK = re.compile(r"pg_(try_)?advisory_lock\(")


def _holders(folder: Path) -> list[Path]:
    """Modules that take a lock of the session."""
    return [path for path in folder.rglob("*.py") if SESSION_LOCK.search(path.read_text())]


def _pooled(holders: list[Path]) -> list[Path]:
    return [path for path in holders if "database.connect()" not in path.read_text()]


async def test_a_read_is_one_statement_and_a_write_one_transaction(engines, statements):
    async with opened_database(engines, "auth") as database:
        async with database.acquire() as connection:
            await connection.fetchval("SELECT 1")
        with statements.counted() as seen:
            async with database.acquire() as connection:
                await connection.fetchval("SELECT 2")
            async with database.begin() as uow:
                await uow.connection.execute("SELECT 3")
            async with database.acquire() as connection:
                await connection.fetchval("SELECT 4")
        assert seen == ["SELECT 2", "BEGIN;", "SELECT 3", "COMMIT;", "SELECT 4"]


async def test_a_transaction_left_open_does_not_reach_the_next_user(engines):
    async with database_of(engines, "auth") as url:
        database = Database(url, "test", pool_size_max=1)
        await database.open()
        try:
            async with database.acquire() as connection:
                await connection.execute("BEGIN")
                first = await connection.fetchval("SELECT pg_current_xact_id()::text")
            async with database.acquire() as connection:
                assert not connection.is_in_transaction()
                assert await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", first) == "aborted"
        finally:
            await database.close()


@pytest.mark.parametrize("folder", ["svc", "shared"])
def test_session_locks_are_taken_on_a_connection_of_ones_own(folder):
    """The pool does not give them back."""
    holders = _holders(ROOT / folder)
    assert holders
    assert _pooled(holders) == []


@pytest.mark.parametrize("lock", ["pg_advisory_lock(1)", "pg_try_advisory_lock(1)"])
def test_a_session_lock_on_a_connection_of_the_pool_is_found(tmp_path, lock):
    (tmp_path / "lock.py").write_text(f"async with database.acquire() as it: await it.execute('SELECT {lock}')")
    assert _pooled(_holders(tmp_path)) == [tmp_path / "lock.py"]
