"""The two kinds of processes a stack has: engines (executed programs) and forked Python processes."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping
from typing import Final

from compose import http_probe
from compose.engines import running
from compose.engines.engine import Engine
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.process import Watched, rotate, spawn, tail
from compose.supervisor import child
from compose.supervisor.forks import ForkParent

READY_SECONDS_MAX: Final = 60.0
PROBE_SECONDS_MAX: Final = 3.0
PROBE_PAUSE_SECONDS: Final = 0.05
STOP_SECONDS_MAX: Final = 6.0


class EngineRunner:
    """Starts one engine of the local profile."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self.ready_url = ""
        self._engine = engine
        self._layout = layout

    async def spawn(self) -> Watched:
        await self._engine.prepare()
        await running.refuse_taken_ports(self._engine, self._layout)
        return spawn(self._engine.command())

    async def until_ready(self, process: Watched) -> None:
        await running.until_ready(self._engine, process)

    async def stop(self, process: Watched) -> None:
        command = self._engine.command()
        cleanly = await process.stop(command.stop_signal, seconds_max=command.stop_seconds_max)
        self._engine.ended(cleanly=cleanly)

    def ended(self, process: Watched) -> None:
        del process
        self._engine.ended(cleanly=False)


class ForkRunner:
    """Forks one service or the world and asks its readiness over HTTP."""

    def __init__(
        self,
        layout: Layout,
        forks: ForkParent,
        *,
        name: str,
        function: str,
        argument: str,
        ready_url: str,
        environ: Callable[[], Mapping[str, str]],
    ) -> None:
        self._log = layout.log(name)
        self._forks = forks
        self._name = name
        self._function = function
        self._argument = argument
        self.ready_url = ready_url
        self._environ = environ

    async def spawn(self) -> Watched:
        rotate(self._log)
        return await self._forks.fork(
            child.become, self._name, self._function, self._argument, dict(self._environ()), str(self._log)
        )

    async def until_ready(self, process: Watched) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        reason = "it never answered"
        while time.monotonic() < deadline:
            if not process.is_running:
                raise self._ended(process)
            try:
                answer = await http_probe.get(self.ready_url, seconds_max=PROBE_SECONDS_MAX)
            except (OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}" if not str(error) else str(error)
            else:
                if answer.status == 200:
                    return
                reason = failing_checks(answer.body) or f"it answered {answer.status}"
            await asyncio.sleep(PROBE_PAUSE_SECONDS)
        raise OperatorError(
            "service.not_ready",
            f"{self._name} is not ready after {READY_SECONDS_MAX:.0f} s: {reason}.",
            mend=f"Read {self._log}, or look with: shopctl status.",
        )

    async def stop(self, process: Watched) -> None:
        await process.stop(signal.SIGTERM, seconds_max=STOP_SECONDS_MAX)

    def ended(self, process: Watched) -> None:
        del process

    def _ended(self, process: Watched) -> OperatorError:
        last = (tail(self._log).strip().splitlines() or ["nothing in its log"])[-1]
        return OperatorError(
            "service.ended",
            f"{self._name} ended with exit code {process.exit_code} while starting: {last[:200]}",
            mend=f"Read {self._log}.",
        )


def failing_checks(body: bytes) -> str:
    """The names and details of the checks that failed in a readiness answer."""
    try:
        checks = json.loads(body).get("checks", {})
    except (ValueError, AttributeError):
        return ""
    return "; ".join(f"{name}: {check.get('detail', '')}" for name, check in checks.items() if not check.get("ok"))
