"""Homes and ports of their own for tests that start and kill whole stacks."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from compose import launch, ports, stack
from compose.layout import Layout, default_cache

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
BASES = range(21_000 + 200 * WORKER, 24_000, 200 * WORKERS)
"""Every worker has bases of its own."""
STACK = Path(__file__).with_name("tiny_stack.toml")


def free_base() -> int:
    """A base in our range whose ports nobody holds."""
    return next(base for base in BASES if not ports.taken(base, stack.load().offsets()))


@pytest.fixture
def layout():
    """A home that root's stand-in may enter, removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="shopstream-stack-"))
    yield Layout(home, default_cache(), free_base())
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def tiny_stack(layout, monkeypatch):
    """A layout whose stack has real engines and tiny services; stopped and wiped afterwards."""
    monkeypatch.setenv("SHOPSTREAM_STACK_FILE", str(STACK))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    yield layout
    launch.down(layout.home, wipe=True)
