"""The compose profile: docker compose brings the containers up, and the supervisor keeps each as a process of its own.

The supervisor stays on this machine: it answers as on the local profile, starts again who died, adds instances, and
writes what containers say into the logs. Only this module calls docker compose.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from compose import ports
from compose.addresses import local
from compose.containers import definition
from compose.containers.container import Container, Containers
from compose.containers.docker import Docker
from compose.engines.engine import NotReadyError, Report
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.process import Process
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.supervisor.profile import Made
from compose.supervisor.runners import AskedRunner, Wanted
from compose.supervisor.unit import Runner

UP_SECONDS_MAX: Final = 900.0
HEALTHY_SECONDS_MAX: Final = 120.0
PAUSE_SECONDS: Final = 0.2
STOP_SECONDS_MAX: Final = 10
INSIDE_USER: Final = 10001
OBSERVED: Final = "observability"
COLLECTOR: Final = "http://collector:4318"

CHOSEN: Final = tuple(
    f"SHOPSTREAM_{name}" for name in ("ENV", "LOG_LEVEL", "BASE", "IMAGE_TAG", "SUBNET", "OTLP_ENDPOINT")
)
"""What an operator may set of the compose file by the environment."""


class Compose:
    """One compose project: the stack of one home."""

    prepares = False

    def __init__(self, layout: Layout, secrets: Secrets, environ: Mapping[str, str]) -> None:
        self.engines = local(layout, secrets)
        within = definition.inside()
        self.inside = {
            "postgres": within.where("postgres"),
            "redis": within.where("redis"),
            "kafka_bootstrap": within.where("kafka"),
            "elasticsearch": within.where("elasticsearch"),
            "smtp": within.smtp.removeprefix("smtp://"),
            **{name.replace("-", "_"): f"world:{ports.port_of(ports.DEFAULT_BASE, name)}" for name in definition.WORLD},
        }
        self._layout = layout
        self._secrets = secrets
        self._profiles = environ.get("COMPOSE_PROFILES", "fleet")
        self._containers = Containers(Docker(), project(layout))

    async def begin(self, components: Iterable[Component]) -> None:
        """Write the env file and bring up what these are in compose. Raises OperatorError `docker.…`."""
        share(self._layout)
        observed = {"SHOPSTREAM_OTLP_ENDPOINT": COLLECTOR} if OBSERVED in self._profiles else {}
        extra = {
            "COMPOSE_PROFILES": self._profiles,
            "SHOPSTREAM_PROJECT": project(self._layout),
            "SHOPSTREAM_SHARED": str(self._layout.home),
            "SHOPSTREAM_USER": _user(),
            **observed,
            **{name: value for name in CHOSEN if (value := os.environ.get(name))},
        }
        text = definition.variables(self._secrets, port_base=self._layout.port_base, extra=extra)
        file = self._layout.compose_env_file
        file.touch(mode=0o600)
        file.write_text(text)
        names = [component.name for component in components]
        if OBSERVED in self._profiles:
            names += ["collector", "jaeger", "prometheus", "grafana"]
        await compose(self._layout, "up", "--detach", "--wait", "--no-recreate", *names, seconds_max=UP_SECONDS_MAX)

    async def end(self) -> None:
        """Containers and network go, volumes stay."""
        await take_down(self._layout)

    def runner(self, wanted: Wanted) -> Runner:
        return ContainerRunner(self._layout, self._containers, wanted)

    def engine(self, component: Component, *, report: Report) -> Made:
        del report
        runner = EngineContainer(self._layout, self._containers, component.name)
        return Made(runner, runner, self._layout.port(component.ports[0]))


class ContainerRunner(AskedRunner):
    """A service instance or the world in a container; the first came with the compose file, others are made like it."""

    def __init__(self, layout: Layout, containers: Containers, wanted: Wanted) -> None:
        super().__init__(layout, wanted)
        self._containers = containers

    async def spawn(self) -> Process:
        wanted = self._wanted
        told = await asyncio.to_thread(
            lambda: self._containers.run(
                wanted.component.name,
                wanted.number,
                environ={"SHOPSTREAM_INSTANCE": wanted.name},
                ports={ports.DEFAULT_BASE + (wanted.component.port or 0): wanted.port},
            )
        )
        return Container(self._containers.docker, told, self._log)

    async def stop(self, process: Process) -> None:
        await super().stop(process)
        if self._wanted.number > 1:  # made by us, so compose would leave it
            found = await asyncio.to_thread(self._containers.find, self._wanted.component.name, self._wanted.number)
            if found:
                await asyncio.to_thread(self._containers.docker.remove, str(found["Id"]))


class EngineContainer:
    """An engine in a container, ready when Docker calls it healthy."""

    ready_url: str = ""

    def __init__(self, layout: Layout, containers: Containers, name: str) -> None:
        self._containers = containers
        self._name = name
        self._log = layout.log(name)

    async def spawn(self) -> Process:
        told = await asyncio.to_thread(lambda: self._containers.run(self._name, 1, environ={}, ports={}))
        return Container(self._containers.docker, told, self._log)

    async def until_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(HEALTHY_SECONDS_MAX):
                while process.is_running:
                    try:
                        await self.probe(process)
                    except NotReadyError:
                        await asyncio.sleep(PAUSE_SECONDS)
                    else:
                        return
        except TimeoutError:
            pass
        raise OperatorError(
            "engine.not_ready",
            f"The container of {self._name} is not healthy.",
            mend=f"Read {self._log}, or: docker compose ps.",
        )

    async def probe(self, process: Process) -> None:
        """Raises NotReadyError."""
        assert isinstance(process, Container)
        if process.is_paused:
            raise NotReadyError("paused")
        told = await asyncio.to_thread(self._containers.docker.inspect, process.id)
        health = str(told["State"].get("Health", {}).get("Status", "running"))
        if not told["State"]["Running"] or health not in {"healthy", "running"}:
            raise NotReadyError(health)

    async def stop(self, process: Process) -> None:
        await process.stop(signal.SIGTERM, seconds_max=STOP_SECONDS_MAX)

    def ended(self, process: Process) -> None: ...


async def take_down(layout: Layout) -> None:
    """Every container of the project, of whichever profile: one that stayed would keep the network."""
    await compose(layout, "down", "--remove-orphans", profiles="*")


async def compose(layout: Layout, *arguments: str, profiles: str = "", seconds_max: float = UP_SECONDS_MAX) -> None:
    """Run docker compose on the stack's file, with its own profiles or these.

    Raises OperatorError `docker.missing`, `docker.compose`.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise OperatorError(
            "docker.missing",
            "The profile compose needs the command docker, which is not on the PATH.",
            mend="Install Docker with its compose plugin (docs.docker.com/engine/install), or use the local profile.",
        )
    log = layout.log("compose")
    command = [docker, "compose", "--file", str(definition.COMPOSE_FILE), "--env-file", str(layout.compose_env_file)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSTREAM_")}
    environ |= {"COMPOSE_PROGRESS": "plain", **({"COMPOSE_PROFILES": profiles} if profiles else {})}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=environ
        )
        try:
            code = await asyncio.wait_for(process.wait(), seconds_max)
        except BaseException:
            process.kill()
            await process.wait()
            raise
    if code != 0:
        raise OperatorError(
            "docker.compose",
            f"docker compose {arguments[0]} ended with exit code {code}: {_last_line(log)}",
            mend=f"Read {log}; docker compose {' '.join(command[2:])} ps shows who is not healthy.",
        )


async def sweep(layout: Layout) -> None:
    """Take away what runs of a home's project. Raises OperatorError `docker.…`."""
    if layout.compose_env_file.exists() and await asyncio.to_thread(Docker().containers, project(layout)):
        await take_down(layout)


def project(layout: Layout) -> str:
    """The compose project of a home: two homes are two stacks."""
    return f"shopstream-{layout.port_base}"


def share(layout: Layout) -> None:
    """Let the user inside read what the stack shares and write what it leaves; nobody else's business."""
    if os.geteuid() != 0:
        return
    for path in (layout.spans, layout.world):
        for inner in (path, *path.rglob("*")):
            os.chown(inner, INSIDE_USER, INSIDE_USER)


def _user() -> str:
    return f"{INSIDE_USER}:{INSIDE_USER}" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
