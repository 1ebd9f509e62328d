"""What every test may ask for: async tests, and real engines started once per session on ports of their own."""

import asyncio
import inspect
import json
import os
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings

from tests.support import feature_table
from tests.support.categories import CATEGORIES, category_of, matrix, services_of
from tests.support.engines import SESSION_PID_VARIABLE, SHARED_DIRECTORY_VARIABLE, EngineUrls, engine_urls, stop_engines

# A rich traceback with every local costs a busy machine many seconds, inside the event loop of the service under test.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# how long a draw or an example takes is a matter of the machine, not of the code
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

LOOP_MARGIN_S = 10.0

# readline, which pytest loads, leaves the size of its own terminal to the workers: tests say how wide theirs is
os.environ.pop("COLUMNS", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--service", help="only the tests marked as this service's")
    parser.addoption("--count-to", help="write how many tests each category has to this file, as JSON")
    parser.addoption("--matrix-to", help="write how many tests each service has in each category, as JSON")
    parser.addoption("--features-to", help="write which test shows what of which service to this file, as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process owns the directory through which workers find the one set of engines."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED_DIRECTORY_VARIABLE] = tempfile.mkdtemp(prefix="shopstream-tests-")
        Path(os.environ[SHARED_DIRECTORY_VARIABLE]).chmod(0o755)
        os.environ[SESSION_PID_VARIABLE] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        directory = Path(os.environ.pop(SHARED_DIRECTORY_VARIABLE))
        stop_engines(directory)
        shutil.rmtree(directory, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test's category is its folder; `--service` keeps those of one service."""
    if service := config.getoption("--service"):
        items[:] = [item for item in items if service in services_of(item)]
    for item in items:
        if category := category_of(item):
            item.add_marker(getattr(pytest.mark, category))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What `shopctl test --count` shows: every category, those outside of all as `other`, and the total."""
    if features := session.config.getoption("--features-to"):
        feature_table.write(session.items, Path(features))
    if path := session.config.getoption("--matrix-to"):
        Path(path).write_text(json.dumps(matrix(session.items)))
    if not (path := session.config.getoption("--count-to")):
        return
    counts: dict[str, int] = dict.fromkeys((*CATEGORIES, "other"), 0)
    for item in session.items:
        counts[category_of(item) or "other"] += 1
    rows = [*counts.items(), ("all", len(session.items))]
    Path(path).write_text(json.dumps([{"category": name, "count": count} for name, count in rows]))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests in a loop of their own, the kind the services use.

    uvloop does not run the handler by which pytest-timeout ends other tests, so the loop bounds them itself.
    """
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    mark = pyfuncitem.get_closest_marker("timeout")
    limit_s = float(mark.args[0] if mark else pyfuncitem.config.getini("timeout")) - LOOP_MARGIN_S

    async def bounded() -> None:
        async with asyncio.timeout(limit_s):
            await pyfuncitem.obj(**arguments)

    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(bounded())
    finally:
        with warnings.catch_warnings():  # uvloop hangs when closing a loop raises, and the test has failed already
            warnings.simplefilter("ignore", ResourceWarning)
            runner.close()
    return True


@pytest.fixture(scope="session")
def engines() -> EngineUrls:
    """URLs of real engines; started by the first worker that asks, stopped when the session ends."""
    return engine_urls(Path(os.environ[SHARED_DIRECTORY_VARIABLE]))


@pytest.fixture
def prefix() -> str:
    """A namespace for topics, keys and indexes that no other test uses."""
    return f"t{uuid.uuid4().hex[:10]}."
