"""Where a saga can be killed, read from what it is made of: every transaction of its modules, every call to others.

The definition is the code: each `async with self._database.begin()` or `.acquire()` is a commit, each method of a
client a call, and before and after each of them a process may die.
"""

import ast
import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import uvicorn
import uvloop

from shared import crash_points
from shared.crash_points import Point, name_of
from shared.database import Database
from shared.service import server_config
from svc.orders import cancelling, clients, placing
from svc.orders.app import create_app
from svc.orders.parts import HEALTHY, Parts
from svc.orders.settings import Settings

CALLED = {"inventory": clients.InventoryClient, "warehouse": clients.WarehouseClient}
"""The parts by which a saga has effects elsewhere; what is only read changes nothing when it is read again."""
AROUND_CALL: tuple[Point, ...] = ("before-call", "after-call")
AROUND_COMMIT: tuple[Point, ...] = ("before-commit", "after-commit")
OPENERS = frozenset({"self._database.begin", "self._database.acquire"})
READING = frozenset({"Transactions.replay", "Transactions.stored"})
"""They look up an answer; nothing is changed there."""


def modules() -> list[ModuleType]:
    """Those that lead a saga: placing and its parts, and cancelling."""
    folder = Path(placing.__file__).parent
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return [cancelling, *(import_module(f"{placing.__name__}.{name}") for name in names)]


def points() -> list[str]:
    """The name of every point."""
    calls = [f"{kind.__name__}.{name}" for kind in CALLED.values() for name, _ in _methods(kind)]
    commits = sorted({name for module in modules() for name in _committing(module)})
    return [
        *(name_of(work, point) for work in calls for point in AROUND_CALL),
        *(name_of(work, point) for work in commits for point in AROUND_COMMIT),
    ]


def _methods(kind: type) -> list[tuple[str, Any]]:
    return [it for it in inspect.getmembers(kind, inspect.iscoroutinefunction) if not it[0].startswith("_")]


def _committing(module: ModuleType) -> Iterator[str]:
    """`Class.function` of each function that opens a transaction."""
    tree = ast.parse(inspect.getsource(module))
    for outer in (it for it in tree.body if isinstance(it, ast.ClassDef)):
        for function in (it for it in outer.body if isinstance(it, ast.AsyncFunctionDef)):
            called = {ast.unparse(it.func) for it in ast.walk(function) if isinstance(it, ast.Call)}
            if called & OPENERS and (name := f"{outer.name}.{function.name}") not in READING:
                yield name


class ReachingDatabase(Database):
    """Says before and after each commit of the saga's modules that it is there."""

    def begin(self) -> AbstractAsyncContextManager[Any]:
        return _reaching(sys._getframe(1), super().begin(), at_once=False)

    def acquire(self) -> AbstractAsyncContextManager[Any]:
        return _reaching(sys._getframe(1), super().acquire(), at_once=True)


def _reaching(frame: FrameType, opened: AbstractAsyncContextManager[Any], *, at_once: bool) -> Any:
    """Outside a transaction each statement commits `at_once`, so that before it is before all."""
    if frame.f_globals["__name__"] not in {module.__name__ for module in modules()}:
        return opened
    return _around(frame.f_code.co_qualname, opened, at_once=at_once)


@asynccontextmanager
async def _around(work: str, opened: AbstractAsyncContextManager[Any], *, at_once: bool) -> AsyncIterator[Any]:
    async with opened as it:
        if at_once:
            crash_points.reach(work, "before-commit")
        yield it
        if not at_once:
            crash_points.reach(work, "before-commit")
    crash_points.reach(work, "after-commit")


def _reaching_client(kind: type) -> type:
    def reaching(work: str, method: Any) -> Any:
        @wraps(method)
        async def call(*arguments: Any, **more: Any) -> Any:
            crash_points.reach(work, "before-call")
            try:
                return await method(*arguments, **more)
            finally:
                crash_points.reach(work, "after-call")

        return call

    return type(kind.__name__, (kind,), {name: reaching(f"{kind.__name__}.{name}", it) for name, it in _methods(kind)})


def reaching_parts() -> Parts:
    """The healthy ones, which say where they are."""
    called = {name: _reaching_client(kind) for name, kind in CALLED.items()}
    return replace(HEALTHY, database=ReachingDatabase, **called)


def serve(settings: Settings, record: str = "") -> None:
    """The main function of a process of orders; with `record` it writes there what it reaches, and dies nowhere."""
    if record:
        seen = Path(record).open("a", buffering=1)  # noqa: SIM115 as long as the process
        crash_points.reach = lambda work, point: print(name_of(work, point), file=seen)  # type: ignore[assignment]
    uvloop.run(uvicorn.Server(server_config(create_app(settings, reaching_parts()), settings)).serve())
