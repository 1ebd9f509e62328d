"""What of the database's errors is the request's fault and what is the world's."""

import asyncio
import struct
from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
from sqlalchemy import text

from shared.database import Database
from shared.errors import DatabaseUnavailableError, InvalidValue
from tests.support.services import opened_database

SSL_REQUEST = 80_877_103
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


async def test_an_idle_connection_that_was_lost_is_replaced(engines):
    async with opened_database(engines, "auth") as database:
        async with database.begin_orm() as uow:
            lost = uow.connection
        own = await database.connect()
        await own.execute("SELECT pg_terminate_backend($1)", lost.get_server_pid())
        await own.close()
        while not lost.is_closed():
            await asyncio.sleep(0.01)
        async with database.begin_orm() as uow:
            assert await uow.session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("begins", ["acquire", "begin", "begin_orm"])
async def test_the_servers_last_word_is_the_loss_of_a_connection_that_is_not_closed_yet(engines, begins):
    async with opened_database(engines, "auth") as database:
        with pytest.raises(DatabaseUnavailableError):
            await asked_after_the_last_word(database, begins)
        async with getattr(database, begins)():
            """The next one gets another connection."""


async def asked_after_the_last_word(database, begins):
    async with getattr(database, begins)() as begun:
        connection = begun if begins == "acquire" else begun.connection
        last_word(connection)
        await connection.fetchval("SELECT 1")


def last_word(connection):
    """What PostgreSQL says to an idle client before it closes; the client has read it and seen no end yet."""
    getattr(connection, "_con", connection)._protocol.data_received(fatal(b"57P01", b"terminating connection"))


def fatal(code, message):
    """An ErrorResponse of PostgreSQL's protocol."""
    fields = b"SFATAL\0C" + code + b"\0M" + message + b"\0\0"
    return b"E" + struct.pack(">i", 4 + len(fields)) + fields


async def starting(reader, writer):
    """A server that is there and takes nobody yet."""
    if struct.unpack(">ii", await reader.readexactly(8))[1] == SSL_REQUEST:
        writer.write(b"N")
        await reader.readexactly(8)
    writer.write(fatal(b"57P03", b"the database system is not yet accepting connections"))
    writer.close()


async def test_a_server_that_is_starting_cannot_be_used_yet():
    server = await asyncio.start_server(starting, "127.0.0.1", 0)
    database = Database(f"postgresql://somebody@127.0.0.1:{server.sockets[0].getsockname()[1]}/auth", "test")
    async with server:
        with pytest.raises(DatabaseUnavailableError):
            async with database.begin_orm():
                raise AssertionError("it takes nobody")
        assert not await database.answers()
    await database.close()


async def test_a_broken_constraint_is_neither(engines):
    async with opened_database(engines, "auth") as database:
        with pytest.raises(asyncpg.NotNullViolationError):
            async with database.begin() as uow:
                await uow.connection.execute("INSERT INTO users (id) VALUES (NULL)")
