"""What the twins of a rush do that tells trouble from preparation."""

import pytest

from scenarios.defects import catalogue
from scenarios.defects.black_friday import leaked_connection
from shared.database import POOL_SIZE_MAX, Database
from shared.settings import ServiceSettings
from tests.support.services import database_of

SLOW = f"SELECT pg_sleep({leaked_connection.SLOW_S + 0.05})"


async def test_connections_leak_once_the_database_was_slow_and_not_before(engines, monkeypatch):
    monkeypatch.setattr(leaked_connection, "ACQUIRE_TIMEOUT_S", 0.2)
    twin = catalogue.twins_of("leaked-connection")["catalog.database"]
    async with database_of(engines, "catalog") as url:
        database = twin(Database, ServiceSettings(service="catalog", internal_secret="s" * 32))(url, "test")
        await database.open()

        async def asked(statement: str) -> None:
            async with database.acquire() as connection:
                await connection.execute(statement)

        for _ in range(2):
            for _ in range(leaked_connection.SLOW_IN_A_ROW - 1):
                await asked(SLOW)
            await asked("SELECT 1")
        assert database.pool.get_size() == database.pool.get_idle_size()
        for _ in range(leaked_connection.SLOW_IN_A_ROW):
            await asked(SLOW)
        for _ in range(POOL_SIZE_MAX - 1):
            await asked("SELECT 1")
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asked("SELECT 1")
        database.pool.terminate()
