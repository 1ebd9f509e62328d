"""What the twins of a rush do that tells trouble from preparation."""

import pytest

from scenarios.defects import catalogue
from scenarios.defects.black_friday import leaked_connection
from shared import database as database_module
from shared.database import POOL_SIZE_MAX, Database
from shared.errors import DatabaseUnavailableError
from shared.settings import ServiceSettings
from tests.support.services import database_of

ALWAYS = -1.0
"""Nothing is faster; clocks of event loops stand still within a turn."""


async def test_connections_leak_once_the_database_was_slow_and_not_before(engines, monkeypatch):
    for module in (leaked_connection, database_module):
        monkeypatch.setattr(module, "ACQUIRE_TIMEOUT_S", 0.2)
    twin = catalogue.twins_of("leaked-connection")["catalog.database"]
    async with database_of(engines, "catalog") as url:
        database = twin(Database, ServiceSettings(service="catalog", internal_secret="s" * 32))(url, "test")
        await database.open()

        async def asked(times: int, *, slow_s: float) -> None:
            monkeypatch.setattr(leaked_connection, "SLOW_S", slow_s)
            for _ in range(times):
                async with database.acquire() as connection:
                    await connection.execute("SELECT 1")

        for _ in range(2):
            await asked(leaked_connection.SLOW_IN_A_ROW - 1, slow_s=ALWAYS)
            await asked(1, slow_s=60.0)
        assert database.pool.get_size() == database.pool.get_idle_size()
        await asked(leaked_connection.SLOW_IN_A_ROW, slow_s=ALWAYS)
        await asked(POOL_SIZE_MAX - 1, slow_s=60.0)
        assert database.pool.get_size() - database.pool.get_idle_size() == POOL_SIZE_MAX - 1
        for _ in range(2):
            with pytest.raises((TimeoutError, DatabaseUnavailableError)):
                await asked(1, slow_s=60.0)
        database.pool.terminate()
