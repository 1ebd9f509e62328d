"""The models that editors use map the tables that the migrations make: each column there, of its type, as optional."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, Table, Text
from sqlalchemy.ext.asyncio import create_async_engine

from svc.auth.store.models import metadata as auth_metadata
from svc.catalog.store.models import metadata as catalog_metadata
from tests.support.engines import EngineUrls
from tests.support.services import database_of

MAPPED = {"auth": auth_metadata, "catalog": catalog_metadata}
COMPARED = ("add_table", "add_column", "modify_type", "modify_nullable")
"""A model need not map all of a table, nor repeat its comments, indexes and keys to other tables."""


async def differences(engines: EngineUrls, service: str, metadata: MetaData) -> list[tuple[Any, ...]]:
    """What alembic would do to the migrated database to make it what the models say."""

    def compare(connection: Connection) -> list[tuple[Any, ...]]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [step for step in _flat(compare_metadata(context, metadata)) if step[0] in COMPARED]

    async with database_of(engines, service) as url:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(compare)
        finally:
            await engine.dispose()


def _flat(steps: list[Any]) -> Iterator[tuple[Any, ...]]:
    for step in steps:
        yield from step if isinstance(step, list) else [step]


@pytest.mark.parametrize("service", MAPPED)
async def test_the_models_are_what_the_migrations_made(engines: EngineUrls, service: str) -> None:
    assert await differences(engines, service, MAPPED[service]) == []


async def test_a_column_that_no_migration_made_is_a_difference(engines: EngineUrls) -> None:
    metadata = MetaData()
    Table("users", metadata, Column("id", Text, primary_key=True), Column("nickname", Text))
    found = {
        (step[0], step[3] if step[0] == "modify_type" else "") for step in await differences(engines, "auth", metadata)
    }
    assert found == {("modify_type", "id"), ("add_column", "")}
