"""A bare fleet that runs beside the tests of one file, for commands that bring a loop of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from tests.support.bare_fleet import BareFleet, bare_fleet
from tests.support.command_line import shopctl
from tests.support.engines import EngineUrls
from tests.support.services import topics

__all__ = ["shopctl"]

SECONDS_MAX = 60
Value = TypeVar("Value")


@dataclass
class Beside:
    """The fleet, and the loop it runs in."""

    bare: BareFleet
    prefix: str
    _loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS_MAX)

    def rows(self, service: str, statement: str, *arguments: object) -> list[Any]:
        return self.run(self.bare.rows(service, statement, *arguments))


@pytest.fixture(scope="module")
def beside(engines: EngineUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bare fleet")
    thread.start()
    prefix = f"t{uuid4().hex[:10]}."
    fleet = _with_topics(engines, tmp_path_factory.mktemp("home"), prefix)
    try:
        bare = asyncio.run_coroutine_threadsafe(fleet.__aenter__(), loop).result(SECONDS_MAX)
        yield Beside(bare, prefix, loop)
        asyncio.run_coroutine_threadsafe(fleet.__aexit__(None, None, None), loop).result(SECONDS_MAX)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@asynccontextmanager
async def _with_topics(engines: EngineUrls, home: Path, prefix: str) -> AsyncIterator[BareFleet]:
    async with topics(engines, prefix), bare_fleet(engines, home, prefix=prefix) as bare:
        yield bare


@pytest.fixture(autouse=True)
def _its_home(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSTREAM_HOME", str(beside.bare.home))
