"""A process that a benchmark starts from a module and ends by itself, and the addresses at which it then answers."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import aiohttp
import psutil

START_LIMIT_S = 60.0
STOP_LIMIT_S = 8.0
ASK_EVERY_S = 0.05


@contextlib.contextmanager
def own_process(
    home: Path, name: str, module: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> Generator[psutil.Process]:
    """`python -m module arguments` while the block runs; it writes to `home/name.log`."""
    with own_program(home, name, [sys.executable, "-m", module, *arguments], environ=environ) as process:
        yield process


@contextlib.contextmanager
def own_program(
    home: Path, name: str, command: list[str], *, environ: Mapping[str, str] | None = None
) -> Generator[psutil.Process]:
    """The same for any program."""
    with (home / f"{name}.log").open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(environ or {})})  # noqa: S603
        try:
            yield psutil.Process(child.pid)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def until_ok(url: str, headers: Mapping[str, str] | None = None) -> None:
    """Ask until the answer is 200. Raises TimeoutError."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(START_LIMIT_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url, headers=headers) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(ASK_EVERY_S)
