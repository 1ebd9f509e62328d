"""The two kinds of processes a stack has: engines (executed programs) and forked Python processes."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from compose import http_probe, ports
from compose.engines import running
from compose.engines.engine import Engine
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.process import Process, rotate, spawn, tail
from compose.stack import Component
from compose.supervisor import child
from compose.supervisor.forks import ForkParent

READY_SECONDS_MAX: Final = 120.0
PROBE_SECONDS_MAX: Final = 3.0
PROBE_PAUSE_SECONDS: Final = 0.05
STOP_SECONDS_MAX: Final = 6.0
LAST_WORDS_MAX: Final = 300


class _ErrorLine(msgspec.Struct):
    level: str = ""
    event: str = ""
    error: dict[str, Any] | str = ""


class EngineRunner:
    """Starts one engine of the local profile."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self.ready_url = ""
        self._engine = engine
        self._layout = layout

    async def spawn(self) -> Process:
        await self._engine.prepare()
        await running.refuse_taken_ports(self._engine, self._layout)
        return spawn(self._engine.command())

    async def until_ready(self, process: Process) -> None:
        await running.until_ready(self._engine, process)

    async def stop(self, process: Process) -> None:
        command = self._engine.command()
        cleanly = await process.stop(command.stop_signal, seconds_max=command.stop_seconds_max)
        self._engine.ended(cleanly=cleanly)

    def ended(self, process: Process) -> None:
        del process
        self._engine.ended(cleanly=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One service instance or the world: what is to run, and how it is asked whether it is ready."""

    component: Component
    name: str
    number: int
    port: int
    ready_url: str
    probe_token: str
    environ: Callable[[], Mapping[str, str]]


class AskedRunner:
    """Something that answers for its readiness over HTTP; how it is started is for those who derive from it."""

    def __init__(self, layout: Layout, wanted: Wanted) -> None:
        self.ready_url = wanted.ready_url
        self._wanted = wanted
        self._name = wanted.name
        self._log = layout.log(wanted.name)
        self._probe_token = wanted.probe_token

    async def spawn(self) -> Process:
        raise NotImplementedError

    async def until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        reason = "it never answered"
        while time.monotonic() < deadline:
            if not process.is_running:
                raise self._ended(process)
            try:
                answer = await http_probe.get(self.ready_url, seconds_max=PROBE_SECONDS_MAX, token=self._probe_token)
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

    async def stop(self, process: Process) -> None:
        await process.stop(signal.SIGTERM, seconds_max=STOP_SECONDS_MAX)

    def ended(self, process: Process) -> None: ...

    def _ended(self, process: Process) -> OperatorError:
        return OperatorError(
            "service.ended",
            f"{self._name} ended with exit code {process.exit_code} while starting: {last_words(tail(self._log))}",
            mend=f"Read {self._log}.",
        )


class ForkRunner(AskedRunner):
    """Forks one service or the world."""

    def __init__(self, layout: Layout, forks: ForkParent, wanted: Wanted) -> None:
        super().__init__(layout, wanted)
        self._port_base = layout.port_base
        self._forks = forks

    async def spawn(self) -> Process:
        wanted = self._wanted
        if not ports.is_free(wanted.port):
            raise await asyncio.to_thread(ports.taken_error, wanted.port, wanted.name, self._port_base)
        rotate(self._log)
        function, argument = wanted.component.run, wanted.component.argument
        return await self._forks.fork(
            child.become, wanted.name, function, argument, dict(wanted.environ()), str(self._log)
        )


def last_words(log: str) -> str:
    """What a log says last about a failure: its last error, else its last line."""
    lines = log.strip().splitlines() or ["nothing in its log"]
    for raw in reversed(lines):
        try:
            line = msgspec.json.decode(raw, type=_ErrorLine)
        except msgspec.DecodeError:
            return raw[:LAST_WORDS_MAX]  # not ours: the end of a traceback
        if line.level in {"error", "critical"}:
            why = line.error.get("message", "") if isinstance(line.error, dict) else line.error
            return f"{line.event} {why}".strip()[:LAST_WORDS_MAX]
    return lines[-1][:LAST_WORDS_MAX]


def failing_checks(body: bytes) -> str:
    """The names and details of the checks that failed in a readiness answer."""
    try:
        checks = json.loads(body).get("checks", {})
    except (ValueError, AttributeError):
        return ""
    return "; ".join(f"{name}: {check.get('detail', '')}" for name, check in checks.items() if not check.get("ok"))
