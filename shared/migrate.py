"""Bring one service's database to its newest schema with alembic, in process and safely from several instances."""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATION_LOCK = 7_261_001
"""Advisory lock that lets one instance migrate while the others wait."""


def migrations_of(package: str) -> Path:
    """The folder `migrations` of a service package, found without importing the service."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is no package")
    return Path(spec.submodule_search_locations[0]) / "migrations"


def upgrade(package: str, database_url: str, revision: str = "head") -> None:
    """Apply every missing migration of `package`; repeating it changes nothing."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migration_environment")))
    config.set_main_option("version_locations", str(migrations_of(package) / "versions"))
    config.set_main_option("path_separator", "os")

    def run(connection: Connection) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    asyncio.run(_with_connection(database_url, run))


async def _with_connection(database_url: str, run: Callable[[Connection], None]) -> None:
    engine = create_async_engine(
        database_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
