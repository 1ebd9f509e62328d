"""What a fault does in a database as superuser: sessions held open and triggers, known by name, so that anybody can end
them.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from compose.addresses import place_of
from scenarios.fleet import DATABASE_AWAY, Fleet, FleetAwayError

_held: dict[str, asyncpg.Connection] = {}
"""What this process holds; when it ends the server ends them too."""


def session_name(fault: str, target: str) -> str:
    """The application name of the session that does a fault."""
    return f"fault {fault} {target}"[:63]


@asynccontextmanager
async def superuser(fleet: Fleet, database: str, *, name: str = "fault") -> AsyncGenerator[asyncpg.Connection]:
    """A connection as the superuser. Raises FleetAwayError."""
    connection = await _connect(fleet, database, name)
    try:
        yield connection
    finally:
        await connection.close()


async def hold(fleet: Fleet, database: str, *, name: str) -> asyncpg.Connection:
    """A superuser's connection that stays open until `end`. Raises FleetAwayError."""
    connection = _held[name] = await _connect(fleet, database, name)
    return connection


async def end(fleet: Fleet, *, name: str) -> None:
    """End the sessions of that name, whoever holds them; none is fine."""
    async with superuser(fleet, "postgres") as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", name
        )
    if name in _held:
        _held.pop(name).terminate()


async def _connect(fleet: Fleet, database: str, name: str) -> asyncpg.Connection:
    url = urlsplit(fleet.stack.urls["postgres"])._replace(path=f"/{database}").geturl()
    try:
        return await asyncpg.connect(url, server_settings={"application_name": name})
    except DATABASE_AWAY as error:
        raise FleetAwayError("postgres", place_of(url)) from error


async def plant_trigger(connection: asyncpg.Connection, name: str, *, on: str, body: str) -> None:
    """Run `body` (PL/pgSQL, before it returns NEW) for each row; trigger and function are both called `name`.

    `on` is `BEFORE INSERT ON table`, with ` WHEN (…)` behind it where not every row is meant.
    One of that name that is there already is replaced.
    """
    where, _, condition = on.partition(" WHEN ")
    await connection.execute(f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {body}
            RETURN NEW;
        END $$;
        CREATE OR REPLACE TRIGGER {name} {where} FOR EACH ROW {f"WHEN {condition}" if condition else ""}
            EXECUTE FUNCTION {name}()
    """)


async def pull_trigger(connection: asyncpg.Connection, name: str, *, table: str) -> None:
    """Take it out; none is fine."""
    await connection.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}; DROP FUNCTION IF EXISTS {name}()")
