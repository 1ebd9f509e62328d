"""One supervised process over its life: start, stay, restart when it ended, stop.

Back-off is for what never gets ready or dies right after; who kills a healthy process finds it back at once, however
often. What kind of process it is, its Runner knows.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

from compose.operator_error import OperatorError
from compose.process import Process

# the first restart comes well within a second; a process that never gets far is tried ever more rarely
BACK_OFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
PROVEN_SECONDS: Final = 1.0
"""Ready for so long, a process works: its end was somebody's doing, not a crash loop."""

State = Literal["waiting", "starting", "ready", "not ready", "crashed", "stopping", "stopped"]


class Runner(Protocol):
    """How one kind of process is started, probed and stopped; `ready_url` is empty for engines."""

    ready_url: str

    async def spawn(self) -> Process:
        """Start the process; raises OperatorError."""
        ...

    async def until_ready(self, process: Process) -> None:
        """Return when it answers; raises OperatorError when it ends or stays mute."""
        ...

    async def stop(self, process: Process) -> None: ...

    def ended(self, process: Process) -> None: ...


class Unit:
    """One named process of the stack. `changed` is called after every change of state."""

    def __init__(
        self, name: str, runner: Runner, *, kind: str, component: str, port: int, changed: Callable[["Unit"], None]
    ) -> None:
        self.name = name
        self.kind = kind
        self.component = component
        self.port = port
        self.runner = runner
        self.state: State = "waiting"
        self.detail = ""
        self.process: Process | None = None
        self.boot_seconds = 0.0
        self.restarts = 0
        self._changed = changed
        self._keeper: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._ready_at: float | None = None
        self._early_ends_in_a_row = 0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.is_running

    def note(self, detail: str) -> None:
        """What it is doing now, for people."""
        self.detail = detail
        self._changed(self)

    async def start(self) -> None:
        """Start it for the first time and keep it from then on. Raises OperatorError."""
        async with self._lock:
            if self.is_running:
                return
            try:
                await self._launch()
            except BaseException:
                await self._halt()
                raise
            self._keep()

    async def restart(self) -> None:
        """Stop and start it; raises OperatorError when it does not come back (it is kept all the same)."""
        async with self._lock:
            await self._halt()
            self.restarts += 1
            try:
                await self._launch()
            finally:
                self._keep()

    async def stop(self) -> None:
        """Stop it for good."""
        async with self._lock:
            await self._halt()

    def send(self, number: signal.Signals) -> bool:
        """Signal the process; False when there is none."""
        if self.process is None or not self.process.is_running:
            return False
        self.process.send(number)
        return True

    def mark(self, *, ready: bool, detail: str) -> None:
        """What a later look at a running process found."""
        if self.state not in {"ready", "not ready"}:
            return
        if ready and self._ready_at is None:
            self._ready_at = time.monotonic()
        self._set("ready" if ready else "not ready", detail)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "component": self.component,
            "state": self.state,
            "detail": self.detail,
            "pid": (self.process.pid or None) if self.process and self.process.is_running else None,
            "start_ticks": self.process.started_ticks if self.process and self.process.is_running else None,
            "started_at": self.process.started_at if self.process else None,
            "paused": self.process is not None and self.process.is_running and self.process.is_paused,
            "port": self.port,
            "inside": self.process.inside if self.process else "",
            "boot_s": round(self.boot_seconds, 3),
            "restarts": self.restarts,
        }

    async def _launch(self) -> None:
        launched_at = time.monotonic()
        self._ready_at = None
        self._set("starting")
        self.process = await self.runner.spawn()
        self._changed(self)
        await self.runner.until_ready(self.process)
        self._ready_at = time.monotonic()
        self.boot_seconds = self._ready_at - launched_at
        self._set("ready")

    def _keep(self) -> None:
        self._keeper = asyncio.create_task(self._keep_running(), name=f"keep {self.name}")

    async def _keep_running(self) -> None:
        while True:
            if self.process is not None:
                await self.process.ended.wait()
                self.runner.ended(self.process)
                self.note(f"ended with exit code {self.process.exit_code}")
            await self._back_off()
            self.restarts += 1
            try:
                await self._launch()
            except OperatorError as error:
                # alive but mute is not our business: it may wait for an engine that is away
                self._set("not ready" if self.is_running else "crashed", error.what)

    async def _back_off(self) -> None:
        if self._ready_at is not None and time.monotonic() - self._ready_at >= PROVEN_SECONDS:
            self._early_ends_in_a_row = 0
        pause = BACK_OFF_SECONDS[min(self._early_ends_in_a_row, len(BACK_OFF_SECONDS) - 1)]
        self._early_ends_in_a_row += 1
        self._set("crashed", f"{self.detail}; starting again in {pause:g} s")
        await asyncio.sleep(pause)

    async def _halt(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self.process is not None and self.process.is_running:
            self._set("stopping")
            await self.runner.stop(self.process)
        self._set("stopped")

    def _set(self, state: State, detail: str = "") -> None:
        self.state = state
        self.note(detail)
