"""A container as one process of the stack: found or made, followed, signalled, stopped."""

import asyncio
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from compose.containers.docker import NUMBER_LABEL, SERVICE_LABEL, Docker
from compose.operator_error import OperatorError
from compose.process import Process

STOP_SECONDS_MAX: Final = 10

Json = dict[str, Any]


class Container(Process):
    """One run of a container, from its start to its end."""

    def __init__(self, docker: Docker, told: Json, log: Path) -> None:
        """`told` is what inspecting it gave while it ran; what it says from then on goes to `log`."""
        super().__init__(int(told["State"]["Pid"]))
        self.id = str(told["Id"])
        self.inside = _inside(told)
        self._docker = docker
        self._log = log
        self._paused = bool(told["State"]["Paused"])
        self._loop = asyncio.get_running_loop()
        for work in (self._wait, self._follow):  # blocking as long as it runs: threads of their own
            threading.Thread(target=work, name=f"{work.__name__} {log.stem}", daemon=True).start()

    @property
    def is_paused(self) -> bool:
        return self._paused

    def send(self, number: signal.Signals) -> None:
        if number == signal.SIGSTOP:
            self._docker.pause(self.id)
            self._paused = True
        elif number == signal.SIGCONT:
            if self._paused:
                self._docker.unpause(self.id)
            self._paused = False
        else:
            if self._paused:  # a paused one dies only when it goes on
                self._docker.unpause(self.id)
                self._paused = False
            self._docker.kill(self.id, number.name)

    async def stop(self, number: signal.Signals, *, seconds_max: float) -> bool:
        del number
        if self._paused:
            await asyncio.to_thread(self._docker.unpause, self.id)
            self._paused = False
        await asyncio.to_thread(lambda: self._docker.stop(self.id, seconds_max=int(seconds_max)))
        await self.ended.wait()
        return True

    def _wait(self) -> None:
        try:
            self.exit_code = self._docker.wait(self.id)
        except OperatorError:
            self.exit_code = None  # taken away, or the daemon is
        with suppress(RuntimeError):  # the loop is over
            self._loop.call_soon_threadsafe(self.ended.set)

    def _follow(self) -> None:
        since = self._log.stat().st_mtime if self._log.exists() else 0.0
        with self._log.open("ab", buffering=0) as file, suppress(OSError):
            for chunk in self._docker.logs(self.id, since=since):
                file.write(chunk)


class Containers:
    """The containers of one compose project."""

    def __init__(self, docker: Docker, project: str) -> None:
        self.docker = docker
        self.project = project

    def find(self, service: str, number: int) -> Json | None:
        """What Docker knows of one container, None where there is none."""
        for it in self.docker.containers(self.project):
            labels: Json = it["Labels"]
            if labels.get(SERVICE_LABEL) == service and labels.get(NUMBER_LABEL) == str(number):
                return self.docker.inspect(it["Id"])
        return None

    def run(self, service: str, number: int, *, environ: Mapping[str, str], ports: Mapping[int, int]) -> Json:
        """The container, running: as it is, started again, or one more like the first with `environ` and `ports`.

        `ports` are the machine's by those inside. Raises OperatorError `docker.…`.
        """
        found = self.find(service, number)
        if found is None:
            first = self.find(service, 1)
            if first is None:
                raise OperatorError(
                    "docker.no_container",
                    f"The project {self.project} has no container of {service}.",
                    mend="Make them anew: shopctl down, shopctl up --profile compose.",
                )
            name = f"{self.project}-{service}-{number}"
            found = self.docker.inspect(self.docker.create(name, _like(first, number, environ, ports)))
        if not found["State"]["Running"]:
            self.docker.start(found["Id"])
            found = self._running(str(found["Id"]))
        return found

    def _running(self, container: str) -> Json:
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while not (found := self.docker.inspect(container))["State"]["Running"] and time.monotonic() < deadline:
            time.sleep(0.05)
        return found


def _inside(told: Json) -> str:
    """host:port by which others in the network know it."""
    ports: Json = told["Config"].get("ExposedPorts") or {}
    exposed = sorted(int(port.split("/")[0]) for port in ports)
    return f"{told['Config']['Hostname']}:{exposed[0]}" if exposed else ""


def _like(first: Json, number: int, environ: Mapping[str, str], ports: Mapping[int, int]) -> Json:
    """The configuration of one more container of a service."""
    config: Json = dict(first["Config"])
    known = dict(item.partition("=")[::2] for item in config["Env"])
    config["Env"] = [f"{name}={value}" for name, value in {**known, **environ}.items()]
    config["Labels"] = {**config["Labels"], NUMBER_LABEL: str(number)}
    config["Hostname"] = ""
    host: Json = dict(first["HostConfig"])
    host["PortBindings"] = {
        f"{inside}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outside)}] for inside, outside in ports.items()
    }
    service = first["Config"]["Labels"][SERVICE_LABEL]
    networks = {name: {"Aliases": [service]} for name in first["NetworkSettings"]["Networks"]}
    return {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": networks}}
