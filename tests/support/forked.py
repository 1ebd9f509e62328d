"""Processes that begin in milliseconds: forked from a server that has imported what they need, and killed for real."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from tests.support.apps import WITH_DATABASE
from tests.support.services import until

PRELOADED = ["tests.support.consuming", "tests.support.saga_points", *(f"svc.{name}.app" for name in WITH_DATABASE)]


@asynccontextmanager
async def forked(target: Callable[..., None], *arguments: Any) -> AsyncIterator[BaseProcess]:
    """`target(*arguments)` in a process of its own; killed at the end of the block if it is alive."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=target, args=arguments, daemon=True)
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        process.close()


async def was_killed(process: BaseProcess) -> bool:
    """Wait for its end; whether it was by SIGKILL."""
    await until(lambda: process.exitcode is not None)
    return process.exitcode == -signal.SIGKILL
