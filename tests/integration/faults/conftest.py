"""A part of the real stack for one file: all engines but Elasticsearch, the world, and what sells and sends."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from compose import launch, ports
from compose.layout import Layout, default_cache
from scenarios.fleet import Fleet

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
BASES = range(24_000 + 200 * WORKER, 27_000, 200 * WORKERS)
SERVICES = ("auth", "gateway", "orders", "payments", "inventory", "shipping", "notifications")
HEALTHY_S_MAX = 60


@pytest.fixture(scope="module")
def stack():
    """The layout of the running stack; stopped and wiped afterwards."""
    home = Path(tempfile.mkdtemp(prefix="shopstream-faults-"))
    base = next(base for base in BASES if not ports.taken(base, ports.OFFSETS))
    try:
        launch.up(home, port_base=base, names=["world", *SERVICES])
        yield Layout(home, default_cache(), base)
    finally:
        launch.down(home, wipe=True)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def fleet(stack):
    """To be opened by the test, in its own loop."""
    return Fleet.running(stack.home)


async def healthy(fleet):
    """Wait until every process is ready again."""
    async with asyncio.timeout(HEALTHY_S_MAX):
        while not (await fleet.supervise("status"))["healthy"]:
            await asyncio.sleep(0.1)
