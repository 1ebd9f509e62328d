"""Roles, databases, schemas and topics of a stack in containers: python -m compose.containers.prepare. Repeatable.

`migrations` or `topics` alone does one of the two.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from compose import stack
from compose.addresses import Addresses
from compose.databases import Databases
from compose.operator_error import OperatorError
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.topics import ensure

BOTH: Final = ("migrations", "topics")


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """The exit code; what is wrong goes to the log in two lines."""
    wanted = tuple(arguments) or BOTH
    if not set(wanted) <= set(BOTH):
        sys.stderr.write(f"prepare {' or '.join(BOTH)}, nothing for both\n")
        return 2
    try:
        asyncio.run(_prepare(wanted, environ))
    except OperatorError as error:
        sys.stderr.write(f"{error.what}\n{error.mend}\n")
        return error.exit_code
    return 0


async def _prepare(wanted: Sequence[str], environ: Mapping[str, str]) -> None:
    services = stack.load().audited
    if "migrations" in wanted:
        await _migrate(services, environ)
    if "topics" in wanted:
        made = await ensure(environ["SHOPSTREAM_KAFKA_BOOTSTRAP"], [service.name for service in services])
        _say(f"topics: {made} made")


async def _migrate(services: Sequence[Component], environ: Mapping[str, str]) -> None:
    from shared import migrate  # noqa: PLC0415 -- 0.5 s to import, and topics need none of it

    secrets = Secrets(
        superuser_password="",
        audit_password=environ["SHOPSTREAM_AUDIT_PASSWORD"],
        database_passwords={it.name: environ[f"SHOPSTREAM_PASSWORD_{it.name.upper()}"] for it in services},
        internal_secret="",
        webhook_secrets=[],
        cluster_id="",
    )
    engines = Addresses(postgres=environ["SHOPSTREAM_POSTGRES_URL"], redis="", kafka="", elasticsearch="")

    async def upgrade(component: Component, url: str) -> None:
        await asyncio.to_thread(migrate.upgrade, component.package, url)

    databases = Databases(secrets, engines, upgrade)
    for service in services:
        done = await databases.ensure(service)
        _say(f"{service.name}: {'migrated' if done else 'as it was'}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
