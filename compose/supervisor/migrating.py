"""Migrates a service's database in a fork of its own, so that a library's state never outlives it."""

import asyncio
from typing import Final

from compose.addresses import Addresses
from compose.environment import common
from compose.layout import Layout
from compose.machine import DISK_FULL, disk_full
from compose.operator_error import OperatorError
from compose.process import tail
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.supervisor import child
from compose.supervisor.forks import ForkParent

MIGRATION_SECONDS_MAX: Final = 120.0


class Migrations:
    """One per supervisor."""

    def __init__(self, layout: Layout, secrets: Secrets, engines: Addresses, forks: ForkParent) -> None:
        self._layout = layout
        self._secrets = secrets
        self._engines = engines
        self._forks = forks

    async def upgrade(self, component: Component, url: str) -> None:
        """Bring the database to its newest schema. Raises OperatorError `migration.failed`, `disk.full`."""
        log = self._layout.log(f"migrate-{component.name}")
        forked = await self._forks.fork(
            child.upgrade,
            f"migrate-{component.name}",
            component.argument,
            url,
            common(self._layout, self._secrets, self._engines),
            str(log),
        )
        try:
            await asyncio.wait_for(forked.ended.wait(), MIGRATION_SECONDS_MAX)
        except TimeoutError:
            forked.send(child.signal.SIGKILL)
        if forked.exit_code == 0:
            return
        if DISK_FULL in tail(log):
            raise disk_full(self._layout.home)
        last = (tail(log).strip().splitlines() or [f"exit code {forked.exit_code}, no message"])[-1]
        raise OperatorError(
            "migration.failed",
            f"The database of {component.name} could not be migrated: {last}.",
            mend=f"Read {log}; a database of a newer version needs shopctl down --wipe.",
        )
