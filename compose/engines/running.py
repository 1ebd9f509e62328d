"""Boot engines in parallel, know when each really answers, and stop them again."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from compose import ports, secrets_file
from compose.engines.elasticsearch import Elasticsearch
from compose.engines.engine import Context, Engine, NotReadyError, Report, explain_end
from compose.engines.kafka import Kafka
from compose.engines.postgres import Postgres
from compose.engines.redis import Redis
from compose.layout import Layout, make_directories
from compose.operator_error import OperatorError
from compose.process import Process, Watched, spawn

ENGINES: Final[dict[str, Callable[[Context], Engine]]] = {
    "postgres": Postgres,
    "redis": Redis,
    "kafka": Kafka,
    "elasticsearch": Elasticsearch,
}
PROBE_PAUSE_SECONDS: Final = 0.05


@dataclass(slots=True)
class RunningEngine:
    """One engine that answered its probe."""

    engine: Engine
    process: Watched
    boot_seconds: float

    @property
    def url(self) -> str:
        return self.engine.url

    async def stop(self) -> None:
        command = self.engine.command()
        cleanly = await self.process.stop(command.stop_signal, seconds_max=command.stop_seconds_max)
        self.engine.ended(cleanly=cleanly)


@dataclass(slots=True)
class RunningEngines:
    """Everything `boot` started, by engine name."""

    layout: Layout
    secrets: secrets_file.Secrets
    engines: dict[str, RunningEngine] = field(default_factory=dict[str, RunningEngine])

    @property
    def urls(self) -> dict[str, str]:
        return {name: running.url for name, running in self.engines.items()}

    async def stop(self) -> None:
        """Stop all engines in parallel; returns when none is left."""
        await asyncio.gather(*(running.stop() for running in self.engines.values()))


def no_report(name: str, phase: str) -> None:
    del name, phase


def build(layout: Layout, name: str, *, secrets: secrets_file.Secrets, report: Report) -> Engine:
    """The engine `name` of this stack, not started."""
    context = Context(layout, secrets.superuser_password, secrets.cluster_id, report)
    return ENGINES[name](context)


async def boot(layout: Layout, *, only: Iterable[str] = tuple(ENGINES), report: Report = no_report) -> RunningEngines:
    """Start engines in parallel and return when each has answered a real call.

    Raises OperatorError (port taken, engine missing, not startable, disk full, home unwritable);
    whatever had started by then is stopped again.
    """
    wanted = tuple(only)
    make_directories(layout)
    secrets = secrets_file.load_or_make(layout)
    running = RunningEngines(layout, secrets)

    async def one(name: str) -> None:
        running.engines[name] = await start(build(layout, name, secrets=secrets, report=report), layout, report)

    tasks = [asyncio.create_task(one(name)) for name in wanted]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await running.stop()
        raise
    return running


async def start(engine: Engine, layout: Layout, report: Report = no_report) -> RunningEngine:
    """Prepare, spawn and wait for one engine."""
    began = time.monotonic()
    report(engine.name, "preparing")
    await engine.prepare()
    await refuse_taken_ports(engine, layout)
    report(engine.name, "starting")
    command = engine.command()
    process = spawn(command)
    try:
        await until_ready(engine, process)
    except BaseException:
        await process.stop(command.stop_signal, seconds_max=command.stop_seconds_max)
        engine.ended(cleanly=False)
        raise
    boot_seconds = time.monotonic() - began
    report(engine.name, f"ready {boot_seconds:.1f} s")
    return RunningEngine(engine, process, boot_seconds)


async def until_ready(engine: Engine, process: Process) -> None:
    """Probe until the engine answers. Raises OperatorError when it ends first or takes too long."""
    log = engine.command().log
    reason = "no answer yet"
    deadline = time.monotonic() + engine.ready_seconds_max
    while time.monotonic() < deadline:
        if not process.is_running:
            raise explain_end(engine.name, process.exit_code, log)
        try:
            await engine.probe(process)
        except NotReadyError as error:
            reason = str(error) or type(error).__name__
        else:
            return
        await asyncio.sleep(PROBE_PAUSE_SECONDS)
    raise OperatorError(
        "engine.not_ready",
        f"{engine.name} did not answer within {engine.ready_seconds_max:.0f} s ({reason}).",
        mend=f"Read {log}; a busy machine may need a second try: shopctl up.",
    )


async def refuse_taken_ports(engine: Engine, layout: Layout) -> None:
    """Raise OperatorError `port.taken` when somebody else listens where the engine is about to."""
    await asyncio.to_thread(ports.refuse_taken, layout.port_base, {name: ports.OFFSETS[name] for name in engine.ports})
