"""The fork parent: one preloaded process (the standard library's forkserver) that every service is forked from."""

import asyncio
import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from compose.process import Watched
from compose.supervisor.child import PRELOAD_VARIABLE

EXIT_CODE_SECONDS_MAX: Final = 2.0


class ForkParent:
    """Starts forked processes. Blocking parts run in a thread: the first fork waits for the imports."""

    def __init__(self, preload: Iterable[str], directory: Path | None) -> None:
        """It listens in `directory`, which is emptied of what a killed one left; None is the temporary directory."""
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            tempfile.tempdir = str(directory)
        os.environ[PRELOAD_VARIABLE] = ",".join(preload)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["compose.supervisor.preload", "compose.supervisor.child"])
        self._one_at_a_time = asyncio.Lock()
        self._reading = threading.Lock()
        """To start one process the library reads the exit codes of all others; each can be read only once."""

    def warm(self) -> None:
        """Start importing now; returns at once."""
        forkserver.ensure_running()

    @property
    def pid(self) -> int:
        """The fork parent's pid; 0 before `warm`."""
        # the library has no public name for it
        server: Any = getattr(forkserver, "_forkserver")  # noqa: B009
        return server._forkserver_pid or 0  # noqa: SLF001

    async def fork(self, target: Callable[..., None], *arguments: object) -> "Forked":
        """Run `target(*arguments)` in a new process forked from the preloaded parent."""
        process = self._context.Process(target=target, args=arguments, daemon=True)
        async with self._one_at_a_time:
            await asyncio.to_thread(self._start, process)
        return Forked(process, self._reading)

    def _start(self, process: ForkServerProcess) -> None:
        with self._reading:
            process.start()


class Forked(Watched):
    """A process whose parent is the fork parent, which reports its exit code."""

    def __init__(self, process: ForkServerProcess, reading: threading.Lock) -> None:
        assert process.pid
        self._process = process
        self._reading = reading
        super().__init__(process.pid)

    def _finish(self) -> None:
        # the pidfd is readable a moment before the fork parent has reaped and reported
        with self._reading:
            self._process.join(EXIT_CODE_SECONDS_MAX)
            self.exit_code = self._process.exitcode
        super()._finish()
