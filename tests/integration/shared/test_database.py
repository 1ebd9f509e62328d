"""What of the database's errors is the request's fault and what is the world's."""

from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
from sqlalchemy import text

from shared.errors import DatabaseUnavailableError, InvalidValue
from tests.support.services import opened_database

EARLY = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
VALUES = [
    ("CAST($1 AS timestamptz)", EARLY),
    ("CAST($1 AS int)", 2**40),
    ("CAST($1 AS text)", "a\x00"),
    ("1 / CAST($1 AS int)", 0),
]


@pytest.mark.parametrize(("expression", "value"), VALUES, ids=["early", "large", "nul", "zero"])
async def test_a_value_that_cannot_be_taken_is_the_requests_fault(engines, expression, value):
    async with opened_database(engines, "auth") as database:
        with pytest.raises(InvalidValue):
            async with database.acquire() as connection:
                await connection.fetchval(f"SELECT {expression}", value)
        with pytest.raises(InvalidValue):
            async with database.begin() as uow:
                await uow.connection.fetchval(f"SELECT {expression}", value)
        with pytest.raises(InvalidValue):
            async with database.begin_orm() as uow:
                await uow.session.execute(text(f"SELECT {expression.replace('$1', ':value')}"), {"value": value})


async def test_a_lost_connection_is_the_worlds(engines):
    async with opened_database(engines, "auth") as database:
        with pytest.raises(DatabaseUnavailableError):
            async with database.begin() as uow:
                await uow.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_broken_constraint_is_neither(engines):
    async with opened_database(engines, "auth") as database:
        with pytest.raises(asyncpg.NotNullViolationError):
            async with database.begin() as uow:
                await uow.connection.execute("INSERT INTO users (id) VALUES (NULL)")
