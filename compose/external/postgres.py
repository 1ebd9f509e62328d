"""Whether a PostgreSQL will do: its version, the right to make roles and databases, and no namesakes of ours in it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from compose.addresses import place_of
from compose.external.findings import LOOK_SECONDS_MAX, Found, away, judged, missing_right, unfit, wrong_login
from compose.operator_error import OperatorError

if TYPE_CHECKING:
    import asyncpg

CONNECTIONS_MIN: Final = 150
"""Ten services with their pools, judges and faults; a default of 100 is enough only for a quiet shop."""
VARIABLE: Final = "SHOPSTREAM_POSTGRES_URL"


async def examine(url: str, roles: Mapping[str, str]) -> Found:
    """Look at the server; `roles` are those the shop will have, with their passwords.

    Raises OperatorError `external.postgres_…`: away, login, version, right, taken, unfit.
    """
    connection = await _connect(url)
    try:
        major, _, micro = connection.get_server_version()[:3]  # 15.18 comes as 15, 0, 18
        found = judged("postgres", url, (major, micro))
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise unfit("postgres", url, "is a replica, which takes no writes", mend=f"Name its primary in {VARIABLE}.")
        await _refuse_missing_rights(connection, url)
        await _refuse_namesakes(connection, url, roles)
        allowed = int(await connection.fetchval("SHOW max_connections"))
    finally:
        await connection.close(timeout=LOOK_SECONDS_MAX)
    if allowed >= CONNECTIONS_MIN:
        return found
    note = f"PostgreSQL allows {allowed} connections: under load the fleet wants {CONNECTIONS_MIN} (max_connections)."
    return Found(described=found.described, notes=(*found.notes, note))


async def _connect(url: str) -> "asyncpg.Connection":
    import asyncpg  # noqa: PLC0415 -- 0.14 s to import

    try:
        return await asyncpg.connect(url, timeout=LOOK_SECONDS_MAX)
    except asyncpg.InvalidAuthorizationSpecificationError as error:  # a wrong password too
        raise wrong_login("postgres", url, str(error)) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise unfit("postgres", url, f"has no such database: {error}", mend=f"End {VARIABLE} in /postgres.") from error
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise away("postgres", url, error) from error


async def _refuse_missing_rights(connection: "asyncpg.Connection", url: str) -> None:
    may = await connection.fetchrow(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert may
    rights = {"CREATEDB": "make databases", "CREATEROLE": "make roles"}
    missing = [] if may["rolsuper"] else [right for right in rights if not may[f"rol{right.lower()}"]]
    if missing:
        what = " or ".join(rights[right] for right in missing)
        grant = f'ALTER ROLE "{may["rolname"]}" {" ".join(missing)};'
        raise missing_right("postgres", url, what, grant=grant)


async def _refuse_namesakes(connection: "asyncpg.Connection", url: str, roles: Mapping[str, str]) -> None:
    """A role or database that has one of our names and was made by somebody else."""
    rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", list(roles))
    ours = {row["rolname"] for row in rows}
    for name in sorted(ours):
        if not await logs_in(url, name, roles[name]):
            raise _taken(url, f"The role {name}", f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}";')
    databases = await connection.fetch(
        "SELECT datname FROM pg_database WHERE datname = ANY($1) AND pg_get_userbyid(datdba) <> datname", list(roles)
    )
    for row in databases:
        raise _taken(url, f"The database {row['datname']}", f'ALTER DATABASE "{row["datname"]}" RENAME TO …;')


async def logs_in(url: str, name: str, password: str) -> bool:
    """Whether a role that is there takes this password, so that it is one of ours."""
    import asyncpg  # noqa: PLC0415 -- 0.14 s to import

    try:
        connection = await asyncpg.connect(url, user=name, password=password, timeout=LOOK_SECONDS_MAX)
    except asyncpg.InvalidPasswordError:
        return False
    except asyncpg.InsufficientPrivilegeError:
        return True  # it is let in, only not into this database
    await connection.close(timeout=LOOK_SECONDS_MAX)
    return True


def _taken(url: str, what: str, drop: str) -> OperatorError:
    return OperatorError(
        "external.postgres_taken",
        f"{what} at {place_of(url)} was made by somebody else than this ShopStream.",
        mend=f"Start with the home that made it (SHOPSTREAM_HOME), name another server, or make room: {drop}",
    )
