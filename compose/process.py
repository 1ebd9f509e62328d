"""One operating-system process we started: its identity, its end, and how to end it.

A pid alone is not an identity (it is reused): pid and start time are. Every child dies with its parent.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compose.operator_error import OperatorError
from compose.privileges import Drop

PR_SET_PDEATHSIG: Final = 1
KILL_SECONDS_MAX: Final = 5.0
LOG_BYTES_MAX: Final = 20_000_000
LOG_TAIL_BYTES: Final = 4_000

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Command:
    """How one process is started and stopped."""

    argv: Sequence[str]
    cwd: Path
    log: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    drop: Drop = field(default_factory=Drop)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds_max: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL


class Process:
    """What a stack runs, wherever that is: known by pid and start time; `ended` is set when it is gone."""

    def __init__(self, pid: int) -> None:
        """A `pid` of 0 is no process of this machine."""
        self.pid = pid
        self.started_ticks = start_ticks(pid) or 0
        self.started_at = time.time()
        self.inside = ""
        """host:port at which the rest of the stack reaches it, where that is another than the operator's."""
        self.ended = asyncio.Event()
        self.exit_code: int | None = None

    @property
    def is_running(self) -> bool:
        return not self.ended.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether it stands still, as by SIGSTOP."""
        return state_of(self.pid) == "T"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process, never to a later one with the same pid."""
        raise NotImplementedError

    async def stop(self, number: signal.Signals, *, seconds_max: float) -> bool:
        """Ask to stop, then kill after `seconds_max`; True when it went by itself."""
        raise NotImplementedError


class Elsewhere(Process):
    """What somebody else runs: it is reached by its address only."""

    def __init__(self) -> None:
        super().__init__(0)

    def send(self, number: signal.Signals) -> None:
        del number
        raise self.refusal()

    def refusal(self) -> OperatorError:
        """To do anything to it."""
        return OperatorError(
            "process.elsewhere",
            "ShopStream did not start that engine, so it neither signals nor restarts it.",
            mend="Do it where it runs; faults of its links work from here: shopctl fault inject down all:postgres.",
        )


class Watched(Process):
    """A process of this machine that we started."""

    def __init__(self, pid: int, *, child: subprocess.Popen[bytes] | None = None) -> None:
        super().__init__(pid)
        self._child = child
        self._loop = asyncio.get_running_loop()
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pidfd = -1
            self._finish()
        else:
            self._loop.add_reader(self._pidfd, self._finish)

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def stop(self, number: signal.Signals, *, seconds_max: float) -> bool:
        self.send(number)
        self.send(signal.SIGCONT)  # a paused process cannot obey
        try:
            await asyncio.wait_for(self.ended.wait(), seconds_max)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await asyncio.wait_for(self.ended.wait(), KILL_SECONDS_MAX)
            return False
        return True

    def _finish(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        if self._child is not None:
            self.exit_code = self._child.wait()
        self.ended.set()


def spawn(command: Command) -> Watched:
    """Start a child in its own session, output appended to its log, dying with this process."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    rotate(command.log)
    with command.log.open("ab") as log:
        child: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 -- our own argv
            list(command.argv),
            cwd=command.cwd,
            env=dict(command.environ) or None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), command.death_signal),  # noqa: PLW1509 -- one prctl, no locks
            **command.drop,
        )
    return Watched(child.pid, child=child)


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send this process `number` when its parent is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, int(number))


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it is gone or a zombie."""
    fields = _stat(pid)
    return None if not fields or fields[0] in {"Z", "X"} else int(fields[19])


def state_of(pid: int) -> str:
    """How the kernel has a process: R, S, T (stopped) and others; empty when it is gone."""
    return next(iter(_stat(pid)), "")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return stat.rpartition(")")[2].split()


def is_same(pid: int, ticks: int) -> bool:
    """Whether the process recorded as pid + start time still runs."""
    return start_ticks(pid) == ticks


def rotate(log: Path) -> None:
    """Keep one older log when the current one has grown past its bound."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return prepare
