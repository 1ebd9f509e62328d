"""A fleet without services: their migrated databases, the broker and the simulated world, where `shopctl` finds them.

For the harness's reading parts and for commands that only look. The test itself poses as the supervisor.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from compose import ports, state
from compose.layout import Layout, default_cache, make_directories
from compose.process import start_ticks
from scenarios.fleet import Fleet
from scenarios.world.app import World
from tests.support.apps import WITH_DATABASE
from tests.support.engines import SHARED_DIRECTORY_VARIABLE, EngineUrls
from tests.support.services import database_of
from tests.support.world import running_world


@dataclass
class BareFleet:
    """What there is of the fleet. `home` is what SHOPSTREAM_HOME would name."""

    home: Path
    layout: Layout
    fleet: Fleet
    world: World

    async def rows(self, service: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a statement in a service's database."""
        connection = await asyncpg.connect(self.fleet.audit_urls()[service])
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


@asynccontextmanager
async def bare_fleet(engines: EngineUrls, home: Path, *, prefix: str, **world: Any) -> AsyncIterator[BareFleet]:
    """Everything but services; `world` are its settings. The tap sees topics under `prefix` only."""
    base = int(engines.kafka.rpartition(":")[2]) - ports.OFFSETS["kafka"]
    layout = Layout(home, default_cache(), base)
    make_directories(layout)
    suffix = uuid4().hex[:12]
    settings = {
        **{f"{name}_port": layout.port(name) for name in ("psp", "carrier", "smtp", "catcher")},
        "kafka_bootstrap": engines.kafka,
        "tap_pattern": "^" + prefix.replace(".", r"\."),
        **world,
    }
    async with AsyncExitStack() as stack:
        lock = stack.enter_context((Path(os.environ[SHARED_DIRECTORY_VARIABLE]) / "bare-fleet.lock").open("w"))
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)  # see the module's docstring
        await asyncio.gather(
            *(stack.enter_async_context(database_of(engines, name, suffix=suffix)) for name in WITH_DATABASE)
        )
        running = await stack.enter_async_context(running_world(layout.world, **settings))
        state.save(layout, _state(layout, engines, suffix))
        fleet = await stack.enter_async_context(Fleet.running(home))
        yield BareFleet(home, layout, fleet, running)


def _state(layout: Layout, engines: EngineUrls, suffix: str) -> state.StackState:
    pid = os.getpid()
    me = state.ProcessRecord(name="supervisor", kind="supervisor", pid=pid, start_ticks=start_ticks(pid) or 0)
    server = engines.postgres.rpartition("/")[0]
    return state.StackState(
        port_base=layout.port_base,
        supervisor=me,
        urls={
            "redis": engines.redis,
            "kafka_bootstrap": engines.kafka,
            **{f"database_{name}": f"{server}/{name}_{suffix}" for name in WITH_DATABASE},
        },
        audit_url=f"{server}/{{database}}_{suffix}",
    )
