"""Roles, databases and schemas: one database and one role per service, and one read-only role for the judges.

What has been migrated is remembered in the database itself (its comment), so a warm start asks one question.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from compose.addresses import Addresses
from compose.environment import AUDIT_ROLE, database_url
from compose.operator_error import OperatorError
from compose.secrets_file import Secrets
from compose.stack import Component

if TYPE_CHECKING:
    import asyncpg

CONNECT_SECONDS_MAX: Final = 10.0
COMMENT: Final = "shopstream schema "
CREATE_SCHEMA_GRANTS: Final = f"""
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit') THEN
    GRANT USAGE ON SCHEMA audit TO {AUDIT_ROLE};
    GRANT SELECT ON ALL TABLES IN SCHEMA audit TO {AUDIT_ROLE};
  END IF;
END $$
"""

Upgrade = Callable[[Component, str], Awaitable[None]]


class Databases:
    """Prepares the databases of the services it is asked for, each once."""

    def __init__(self, secrets: Secrets, engines: Addresses, upgrade: Upgrade) -> None:
        """`upgrade` brings a service's database, by its URL, to its newest schema."""
        self._secrets = secrets
        self._engines = engines
        self._upgrade = upgrade
        self._url = engines.postgres
        self._existing: dict[str, str] = {}
        self._roles: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._looked = False

    async def ensure(self, component: Component) -> bool:
        """Role, database, newest schema and grants of one service; True when anything had to be done."""
        digest = await asyncio.to_thread(schema_digest, component.argument)
        async with self._one_at_a_time:
            await self._create(component.name)
        if self._existing.get(component.name) == COMMENT + digest:
            return False
        await self._upgrade(component, database_url(self._secrets, self._engines, component.name))
        await self._remember(component.name, digest)
        return True

    async def _create(self, name: str) -> None:
        """CREATE DATABASE copies a template that nobody else may use meanwhile: one at a time."""
        if self._looked and name in self._existing:
            return
        connection = await connect(self._url)
        try:
            if not self._looked:
                await self._look(connection)
            if name not in self._roles:
                password = self._secrets.database_passwords[name]
                await connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'")
                # who is no superuser may own for a role only what it is a member of
                await connection.execute(f'GRANT "{name}" TO CURRENT_USER')
                self._roles.add(name)
            if name not in self._existing:
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
                await connection.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
                await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{name}", {AUDIT_ROLE}')
                self._existing[name] = ""
        finally:
            await connection.close()

    async def _look(self, connection: "asyncpg.Connection") -> None:
        rows = await connection.fetch(
            "SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') AS comment FROM pg_database"
        )
        self._existing = {row["datname"]: row["comment"] for row in rows}
        self._roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        if AUDIT_ROLE not in self._roles:
            await connection.execute(
                f"CREATE ROLE {AUDIT_ROLE} LOGIN PASSWORD '{self._secrets.audit_password}';"
                f"ALTER ROLE {AUDIT_ROLE} SET default_transaction_read_only = on"
            )
        self._looked = True

    async def _remember(self, name: str, digest: str) -> None:
        connection = await connect(urlsplit(self._url)._replace(path=f"/{name}").geturl())
        try:
            await connection.execute(CREATE_SCHEMA_GRANTS)
            await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{COMMENT}{digest}'")
        finally:
            await connection.close()
        self._existing[name] = COMMENT + digest


async def connect(url: str) -> "asyncpg.Connection":
    """A connection to the cluster; the caller closes it."""
    import asyncpg  # noqa: PLC0415 -- 0.14 s to import

    return await asyncpg.connect(url, timeout=CONNECT_SECONDS_MAX)


def schema_digest(package: str) -> str:
    """Names the exact migrations of a service package, and what they share."""
    files = sorted(_package_directory(package).glob("migrations/**/*.py"))
    files += [*_package_directory("shared").glob("library_tables*"), *_package_directory("shared").glob("migrate.py")]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _package_directory(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise OperatorError(
            "stack.no_package",
            f"The package {package} is not installed.",
            mend="Reinstall ShopStream: pip install --force-reinstall shopstream.",
        )
    return Path(spec.origin).parent
